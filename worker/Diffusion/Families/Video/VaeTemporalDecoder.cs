using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>A decoder that takes the frames before and after each frame into account.</summary>
internal sealed class VaeTemporalDecoder
{
    private const double SpatialEps = 1e-6;
    private const double TemporalEps = 1e-5;

    private readonly Conv2d _convIn;
    private readonly SpatioTemporalResBlock[] _midResnets;
    private readonly VaeAttention _midAttention;
    private readonly (SpatioTemporalResBlock[] Resnets, Upsample2D? Upsampler)[] _upBlocks;
    private readonly GroupNorm _convNormOut;
    private readonly Conv2d _convOut;
    private readonly TemporalConv _timeConvOut;

    public VaeTemporalDecoder(NetworkWeights w, AutoencoderConfig config)
    {
        int[] channels = [.. config.BlockOutChannels.Reverse()];
        int layers = config.LayersPerBlock;
        _convIn = new Conv2d(w["conv_in"], config.LatentChannels, channels[0]);
        _midResnets = [.. Enumerable.Range(0, layers).Select(i => Resnet(w["mid_block"]["resnets"][i], channels[0], channels[0]))];
        _midAttention = new VaeAttention(w["mid_block"]["attentions"][0], channels[0], SpatioTemporalResBlock.Groups, SpatialEps);
        _upBlocks =
        [
            .. channels.Select(
                (outChannels, block) =>
                {
                    NetworkWeights stage = w["up_blocks"][block];
                    int inChannels = channels[Math.Max(block - 1, 0)];
                    SpatioTemporalResBlock[] resnets =
                    [
                        .. Enumerable
                            .Range(0, layers + 1)
                            .Select(i => Resnet(stage["resnets"][i], i == 0 ? inChannels : outChannels, outChannels)),
                    ];
                    return (resnets, block < channels.Length - 1 ? new Upsample2D(stage["upsamplers"][0], outChannels) : null);
                }
            ),
        ];
        _convNormOut = new GroupNorm(w["conv_norm_out"], SpatioTemporalResBlock.Groups, channels[^1], SpatialEps);
        _convOut = new Conv2d(w["conv_out"], channels[^1], config.OutChannels);
        _timeConvOut = new TemporalConv(w["time_conv_out"], config.OutChannels, config.OutChannels);
    }

    /// <param name="x">(batch * frames, latent channels, height, width)</param>
    /// <returns>(batch * frames, out channels, height * downscale, width * downscale)</returns>
    public Tensor Forward(Tensor x, int frames)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = _convIn.Forward(x);
        Scoped.Swap(ref h, _midResnets[0].Forward(h, activatedTime: null, frames));
        // The reference pairs its one attention with the second block and runs no other, however many there are
        if (_midResnets.Length > 1)
        {
            Scoped.Swap(ref h, _midAttention.Forward(h));
            Scoped.Swap(ref h, _midResnets[1].Forward(h, activatedTime: null, frames));
        }
        foreach ((SpatioTemporalResBlock[]? resnets, Upsample2D? upsampler) in _upBlocks)
        {
            foreach (SpatioTemporalResBlock resnet in resnets)
            {
                Scoped.Swap(ref h, resnet.Forward(h, activatedTime: null, frames));
            }
            if (upsampler is not null)
            {
                Scoped.Swap(ref h, upsampler.Forward(h));
            }
        }
        Scoped.Swap(ref h, _convNormOut.Forward(h, Activation.Silu));
        Scoped.Swap(ref h, _convOut.Forward(h));
        long height = h.shape[2],
            width = h.shape[3];
        return FrameMap.FromVideo(_timeConvOut.Forward(FrameMap.ToVideo(h, frames)), height, width).MoveToOuterDisposeScope();
    }

    private static SpatioTemporalResBlock Resnet(NetworkWeights w, int inChannels, int outChannels) =>
        new(w, inChannels, outChannels, timeEmbedDim: null, SpatialEps, TemporalEps, switched: true);
}
