using Generation.Diffusion.Networks.Layers;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>The half of an autoencoder that takes latents to pictures.</summary>
internal sealed class VaeDecoder
{
    private readonly Conv2d _convIn;
    private readonly VaeMidBlock _midBlock;
    private readonly Stage[] _upBlocks;
    private readonly GroupNorm _convNormOut;
    private readonly Conv2d _convOut;
    private readonly Activation _activation;

    public VaeDecoder(Weights w, AutoencoderConfig config)
    {
        int[] channels = [.. config.BlockOutChannels.Reverse()];
        _activation = config.ActFn;
        _convIn = new Conv2d(w["conv_in"], config.LatentChannels, channels[0]);
        _midBlock = new VaeMidBlock(w["mid_block"], config);
        _upBlocks = [.. Enumerable.Range(0, channels.Length).Select(block => new Stage(
            w["up_blocks"][block], channels[Math.Max(block - 1, 0)], channels[block], config, twice: block < channels.Length - 1))];
        _convNormOut = new GroupNorm(w["conv_norm_out"], config.NormNumGroups, channels[^1], eps: 1e-6);
        _convOut = new Conv2d(w["conv_out"], channels[^1], config.OutChannels);
    }

    /// <param name="x">(batch, latent channels, height, width)</param>
    /// <returns>(batch, out channels, height * downscale, width * downscale)</returns>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor h = _convIn.Forward(x);
        Scoped.Swap(ref h, _midBlock.Forward(h));
        foreach (Stage block in _upBlocks)
        {
            Scoped.Swap(ref h, block.Forward(h));
        }
        Scoped.Swap(ref h, _convNormOut.Forward(h, _activation));
        return _convOut.Forward(h).MoveToOuterDisposeScope();
    }

    private sealed class Stage
    {
        private readonly ResnetBlock2D[] _resnets;
        private readonly Upsample2D? _upsampler;

        public Stage(Weights w, int inChannels, int outChannels, AutoencoderConfig config, bool twice)
        {
            _resnets = [.. Enumerable.Range(0, config.LayersPerBlock + 1).Select(i =>
                new ResnetBlock2D(w["resnets"][i], i == 0 ? inChannels : outChannels, outChannels, config.Resnets()))];
            _upsampler = twice ? new Upsample2D(w["upsamplers"][0], outChannels) : null;
        }

        public Tensor Forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            Tensor h = _resnets[0].Forward(x);
            foreach (ResnetBlock2D resnet in _resnets.Skip(1))
            {
                Scoped.Swap(ref h, resnet.Forward(h));
            }
            if (_upsampler is not null)
            {
                Scoped.Swap(ref h, _upsampler.Forward(h));
            }
            return h.MoveToOuterDisposeScope();
        }
    }
}
