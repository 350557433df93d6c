using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// The half of an autoencoder that decodes latents to pictures. Its stages can be run one by one, see <see cref="VaeTiling"/>.
/// </summary>
internal sealed class VaeDecoder
{
    private readonly AutoencoderConfig _config;
    private readonly Conv2d _convIn;
    private readonly VaeMidBlock _midBlock;
    private readonly (ResnetBlock2D[] Resnets, Upsample2D? Upsampler)[] _upBlocks;
    private readonly GroupNorm _convNormOut;
    private readonly Conv2d _convOut;

    public VaeDecoder(NetworkWeights w, AutoencoderConfig config)
    {
        _config = config;
        Channels = [.. config.BlockOutChannels.Reverse()];
        _convIn = new Conv2d(w["conv_in"], config.LatentChannels, Channels[0]);
        _midBlock = new VaeMidBlock(w["mid_block"], config);
        _upBlocks =
        [
            .. Channels.Select(
                (outChannels, stage) =>
                {
                    NetworkWeights block = w["up_blocks"][stage];
                    ResnetBlock2D[] resnets =
                    [
                        .. Enumerable
                            .Range(0, ResnetsPerStage)
                            .Select(i => new ResnetBlock2D(
                                block["resnets"][i],
                                i == 0 ? ChannelsInto(stage) : outChannels,
                                outChannels,
                                config.Resnets()
                            )),
                    ];
                    return (resnets, stage < Stages - 1 ? new Upsample2D(block["upsamplers"][0], outChannels) : null);
                }
            ),
        ];
        _convNormOut = new GroupNorm(w["conv_norm_out"], config.NormNumGroups, Channels[^1], eps: 1e-6);
        _convOut = new Conv2d(w["conv_out"], Channels[^1], config.OutChannels);
    }

    /// <summary>The number of stages; all but the last double height and width at their end.</summary>
    public int Stages => Channels.Length;

    /// <summary>The number of residual blocks of each stage.</summary>
    public int ResnetsPerStage => _config.LayersPerBlock + 1;

    /// <summary>The number of output channels of each stage.</summary>
    public int[] Channels { get; }

    /// <summary>The number of input channels of stage <paramref name="stage"/>.</summary>
    public int ChannelsInto(int stage) => Channels[Math.Max(stage - 1, 0)];

    /// <param name="x">(batch, latent channels, height, width)</param>
    /// <returns>(batch, out channels, height * downscale, width * downscale)</returns>
    public Tensor Forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return Tail(Head(x), firstStage: 0).MoveToOuterDisposeScope();
    }

    /// <summary>Runs what comes before the stages, at the latents' size: attention over the whole picture is here.</summary>
    public Tensor Head(Tensor x)
    {
        using Tensor h = _convIn.Forward(x);
        return _midBlock.Forward(h);
    }

    /// <summary>Runs the stages from <paramref name="firstStage"/> on and the output convolution.</summary>
    public Tensor Tail(Tensor x, int firstStage, NormStatistics? statistics = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = x.alias();
        for (int stage = firstStage; stage < Stages; stage++)
        {
            Scoped.Swap(ref h, Stage(h, stage, statistics));
        }
        Scoped.Swap(ref h, _convNormOut.Forward(h, _config.ActFn, statistics));
        return _convOut.Forward(h).MoveToOuterDisposeScope();
    }

    /// <summary>Runs one stage, with the doubling at its end.</summary>
    public Tensor Stage(Tensor x, int stage, NormStatistics? statistics = null)
    {
        using DisposeScope scope = NewDisposeScope();
        (ResnetBlock2D[]? resnets, Upsample2D? upsampler) = _upBlocks[stage];
        Tensor h = resnets[0].Forward(x, activatedTime: null, statistics);
        foreach (ResnetBlock2D resnet in resnets.AsSpan(1))
        {
            Scoped.Swap(ref h, resnet.Forward(h, activatedTime: null, statistics));
        }
        if (upsampler is not null)
        {
            Scoped.Swap(ref h, upsampler.Forward(h));
        }
        return h.MoveToOuterDisposeScope();
    }
}
