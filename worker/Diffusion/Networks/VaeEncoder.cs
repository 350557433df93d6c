using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>The half of an autoencoder that encodes pictures to the moments of latents.</summary>
internal sealed class VaeEncoder
{
    private readonly Conv2d _convIn;
    private readonly Stage[] _downBlocks;
    private readonly VaeMidBlock _midBlock;
    private readonly GroupNorm _convNormOut;
    private readonly Conv2d _convOut;
    private readonly Activation _activation;

    public VaeEncoder(NetworkWeights w, AutoencoderConfig config)
    {
        int blocks = config.BlockOutChannels.Count;
        int last = config.BlockOutChannels[^1];
        _activation = config.ActFn;
        _convIn = new Conv2d(w["conv_in"], config.InChannels, config.BlockOutChannels[0]);
        _downBlocks =
        [
            .. Enumerable
                .Range(0, blocks)
                .Select(block => new Stage(
                    w["down_blocks"][block],
                    config.BlockOutChannels[Math.Max(block - 1, 0)],
                    config.BlockOutChannels[block],
                    config,
                    halve: block < blocks - 1
                )),
        ];
        _midBlock = new VaeMidBlock(w["mid_block"], config);
        _convNormOut = new GroupNorm(w["conv_norm_out"], config.NormNumGroups, last, eps: 1e-6);
        _convOut = new Conv2d(w["conv_out"], last, config.LatentChannels * 2);
    }

    /// <param name="x">(batch, in channels, height, width)</param>
    /// <returns>(batch, 2 * latent channels, height / downscale, width / downscale)</returns>
    public Tensor Forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = _convIn.Forward(x);
        foreach (Stage block in _downBlocks)
        {
            Scoped.Swap(ref h, block.Forward(h));
        }
        Scoped.Swap(ref h, _midBlock.Forward(h));
        Scoped.Swap(ref h, _convNormOut.Forward(h, _activation));
        return _convOut.Forward(h).MoveToOuterDisposeScope();
    }

    private sealed class Stage
    {
        private readonly ResnetBlock2D[] _resnets;
        private readonly Downsample2D? _downsampler;

        public Stage(NetworkWeights w, int inChannels, int outChannels, AutoencoderConfig config, bool halve)
        {
            _resnets =
            [
                .. Enumerable
                    .Range(0, config.LayersPerBlock)
                    .Select(i => new ResnetBlock2D(w["resnets"][i], i == 0 ? inChannels : outChannels, outChannels, config.Resnets())),
            ];
            _downsampler = halve ? new Downsample2D(w["downsamplers"][0], outChannels, padding: 0) : null;
        }

        public Tensor Forward(Tensor x)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor h = _resnets[0].Forward(x);
            foreach (ResnetBlock2D resnet in _resnets.Skip(1))
            {
                Scoped.Swap(ref h, resnet.Forward(h));
            }
            if (_downsampler is not null)
            {
                Scoped.Swap(ref h, _downsampler.Forward(h));
            }
            return h.MoveToOuterDisposeScope();
        }
    }
}
