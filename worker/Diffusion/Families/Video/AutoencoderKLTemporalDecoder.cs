using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>
/// The autoencoder of Stable Video Diffusion (https://arxiv.org/abs/2311.15127), which encodes pictures one by one and decodes the frames
/// of a video together.
/// </summary>
public sealed class AutoencoderKLTemporalDecoder : Network
{
    private readonly VaeEncoder _encoder;
    private readonly Conv2d _quantConv;
    private readonly VaeTemporalDecoder _decoder;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public AutoencoderKLTemporalDecoder(AutoencoderConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        _encoder = new VaeEncoder(weights["encoder"], config);
        _quantConv = new Conv2d(weights["quant_conv"], config.LatentChannels * 2, config.LatentChannels * 2, kernel: 1);
        _decoder = new VaeTemporalDecoder(weights["decoder"], config);
        Finish(weights);
    }

    public AutoencoderConfig Config { get; }

    /// <param name="image">(batch, 3, height, width) in -1..1</param>
    /// <returns>The distribution of the latents, in the caller's scope and in the type of <paramref name="image"/></returns>
    public LatentDistribution Encode(Tensor image)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor moments = _quantConv.Forward(_encoder.Forward(TorchExtras.channels_last(ToOwn(image))));
        var latents = LatentDistribution.FromMoments(ToCaller(moments, image));
        latents.Mean.MoveToOuterDisposeScope();
        latents.LogVar.MoveToOuterDisposeScope();
        return latents;
    }

    /// <param name="latents">(batch * frames, latent channels, height, width), divided by the scaling factor</param>
    /// <param name="numFrames">The number of frames of each video.</param>
    /// <returns>
    /// (batch * frames, 3, height * downscale, width * downscale), about -1..1, in the type of <paramref name="latents"/>
    /// </returns>
    public Tensor Decode(Tensor latents, int numFrames)
    {
        using DisposeScope scope = NewDisposeScope();
        return ToCaller(_decoder.Forward(TorchExtras.channels_last(ToOwn(latents)), numFrames), latents).MoveToOuterDisposeScope();
    }
}
