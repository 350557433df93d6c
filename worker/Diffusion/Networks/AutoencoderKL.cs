using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// The autoencoder of latent diffusion, which encodes pictures to latents and decodes them (https://arxiv.org/abs/2112.10752). Its own
/// latents differ from those of the denoising network, which are shifted and scaled: see <see cref="ToDenoiser"/> and
/// <see cref="FromDenoiser"/>.
/// </summary>
public sealed class AutoencoderKL : Network
{
    /// <summary>The number of values of the largest feature map of Stable Diffusion's decoder at 1024 x 1024: 256 channels.</summary>
    public const long DefaultMaxValues = 256L * 1024 * 1024;

    private readonly VaeEncoder _encoder;
    private readonly VaeDecoder _decoder;
    private readonly Conv2d? _quantConv;
    private readonly Conv2d? _postQuantConv;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public AutoencoderKL(AutoencoderConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        int latents = config.LatentChannels;
        _encoder = new VaeEncoder(weights["encoder"], config);
        _decoder = new VaeDecoder(weights["decoder"], config);
        _quantConv = config.UseQuantConv ? new Conv2d(weights["quant_conv"], latents * 2, latents * 2, kernel: 1) : null;
        _postQuantConv = config.UsePostQuantConv ? new Conv2d(weights["post_quant_conv"], latents, latents, kernel: 1) : null;
        Finish(weights);
    }

    public AutoencoderConfig Config { get; }

    /// <param name="image">
    /// (batch, 3, height, width) in -1..1; height and width are multiples of <see cref="AutoencoderConfig.Downscale"/>
    /// </param>
    /// <returns>
    /// Distribution of the latents, (batch, latent channels, height / downscale, width / downscale), in the type of
    /// <paramref name="image"/>
    /// </returns>
    public LatentDistribution Encode(Tensor image)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = _encoder.Forward(TorchExtras.channels_last(ToOwn(image)));
        if (_quantConv is not null)
        {
            Scoped.Swap(ref h, _quantConv.Forward(h));
        }
        var latents = LatentDistribution.FromMoments(ToCaller(h, image));
        latents.Mean.MoveToOuterDisposeScope();
        latents.LogVar.MoveToOuterDisposeScope();
        return latents;
    }

    /// <summary>
    /// Decodes latents to pictures. Large ones are decoded in tiles, many in slices, so that no feature map has more values than a limit.
    /// </summary>
    /// <param name="latents">(batch, latent channels, height, width), as <see cref="FromDenoiser"/> gives them</param>
    /// <param name="maxValues">
    /// The limit; about four maps of this size are in memory at once. The default decodes 1024 x 1024 as a whole.
    /// </param>
    /// <param name="token">Checked between pictures, stages and tiles.</param>
    /// <returns>(batch, 3, height * downscale, width * downscale), about -1..1, in the type of <paramref name="latents"/></returns>
    public Tensor Decode(Tensor latents, long maxValues = DefaultMaxValues, CancellationToken token = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxValues);
        using DisposeScope scope = NewDisposeScope();
        Tensor h = TorchExtras.channels_last(ToOwn(latents));
        if (_postQuantConv is not null)
        {
            h = _postQuantConv.Forward(h);
        }
        var tiling = new VaeTiling(_decoder, Config.Downscale, maxValues);
        return ToCaller(tiling.Decode(h, token), latents).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Converts the autoencoder's latents to the denoising network's: (latents - shift) * scale, after normalising each channel where there
    /// are a mean and a standard deviation per channel.
    /// </summary>
    /// <param name="latents">(batch, latent channels, height, width)</param>
    public Tensor ToDenoiser(Tensor latents)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = latents - (Config.ShiftFactor ?? 0);
        if (PerChannel(Config.LatentsMean, latents) is { } mean)
        {
            x = x - mean;
        }
        if (PerChannel(Config.LatentsStd, latents) is { } deviation)
        {
            x = x / deviation;
        }
        return (x * Config.ScalingFactor).MoveToOuterDisposeScope();
    }

    /// <summary>Converts the denoising network's latents to the autoencoder's: the reverse of <see cref="ToDenoiser"/>.</summary>
    /// <param name="latents">(batch, latent channels, height, width)</param>
    public Tensor FromDenoiser(Tensor latents)
    {
        using DisposeScope scope = NewDisposeScope();
        // The deviation before the scale, as the reference orders it
        Tensor x = PerChannel(Config.LatentsStd, latents) is { } deviation ? latents * deviation : latents;
        x = x / Config.ScalingFactor;
        if (PerChannel(Config.LatentsMean, latents) is { } mean)
        {
            x = x + mean;
        }
        return (x + (Config.ShiftFactor ?? 0)).MoveToOuterDisposeScope();
    }

    private static Tensor? PerChannel(IReadOnlyList<double>? values, Tensor like) =>
        values is null
            ? null
            : torch.tensor(values.Select(value => (float)value).ToArray()).to(like.dtype).to(like.device).view(1, -1, 1, 1);
}
