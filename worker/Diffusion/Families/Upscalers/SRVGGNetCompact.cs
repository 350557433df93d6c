using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>The configuration of <see cref="SRVGGNetCompact"/>, under the names of BasicSR.</summary>
public sealed record SRVGGConfig : INetworkConfig
{
    public int Scale { get; init; } = 4;

    public int NumInCh { get; init; } = 3;

    public int NumOutCh { get; init; } = 3;

    public int NumFeat { get; init; } = 64;

    /// <summary>The number of convolutions between the first and the last.</summary>
    public int NumConv { get; init; } = 16;

    /// <summary>One of prelu (one learned slope per channel), relu and leakyrelu.</summary>
    public string ActType { get; init; } = "prelu";

    /// <summary>Reads the sizes from the weights' shapes.</summary>
    /// <param name="weights">The root of the network's weights.</param>
    /// <exception cref="WeightsException">The keys that tell the sizes are missing.</exception>
    /// <exception cref="ConfigException">The last convolution fits no factor.</exception>
    public static SRVGGConfig FromWeights(NetworkWeights weights)
    {
        long[] first = weights.ShapeOf("body.0.weight");
        int last = weights["body"].Count() - 1;
        long folded = weights.ShapeOf($"body.{last}.weight")[0];
        // The picture is added to the result, so there are as many channels out as in
        int scale = (int)Math.Round(Math.Sqrt(folded / (double)first[1]));
        ConfigCheck.Require(
            scale * scale * first[1] == folded,
            $"body.{last}.weight",
            folded,
            $"must have {first[1]} channels times a square"
        );
        return new SRVGGConfig
        {
            Scale = scale,
            NumInCh = (int)first[1],
            NumOutCh = (int)first[1],
            NumFeat = (int)first[0],
            NumConv = last / 2 - 1,
            ActType = weights.Has("body.1.weight") ? "prelu" : "relu",
        };
    }

    /// <inheritdoc/>
    public void Validate()
    {
        ConfigCheck.Positive("upscale", Scale);
        ConfigCheck.Positive("num_feat", NumFeat);
        ConfigCheck.Require(NumConv >= 0, "num_conv", NumConv, "must not be negative");
        ConfigCheck.Require(NumInCh == NumOutCh && NumInCh > 0, "num_out_ch", NumOutCh, $"must be num_in_ch {NumInCh}");
        ConfigCheck.Require(ActType is "prelu" or "relu" or "leakyrelu", "act_type", ActType, "must be prelu, relu or leakyrelu");
    }
}

/// <summary>
/// The small upscaler network of Real-ESRGAN (realesr-general-x4v3, realesr-animevideov3): convolutions at the picture's size, unfolded at
/// the end (pixel shuffle).
/// </summary>
public sealed class SRVGGNetCompact : Network, IUpscalerNetwork
{
    private const double LeakySlope = 0.1;

    private readonly Conv2d[] _convs;
    private readonly Parameter[]? _slopes;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public SRVGGNetCompact(SRVGGConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        int features = config.NumFeat,
            inner = config.NumConv + 1;
        NetworkWeights body = weights["body"];
        // Activations are counted too: convolutions have the even numbers
        _convs =
        [
            .. Enumerable.Range(0, inner).Select(i => new Conv2d(body[i * 2], i == 0 ? config.NumInCh : features, features)),
            new Conv2d(body[inner * 2], features, config.NumOutCh * config.Scale * config.Scale),
        ];
        _slopes = config.ActType == "prelu" ? [.. Enumerable.Range(0, inner).Select(i => body[i * 2 + 1].Take("weight", features))] : null;
        Finish(weights);
    }

    public SRVGGConfig Config { get; }

    /// <inheritdoc/>
    public int Scale => Config.Scale;

    /// <inheritdoc/>
    public int Reach => Config.NumConv + 2;

    /// <inheritdoc/>
    public int Multiple => 1;

    /// <inheritdoc/>
    public long ValuesPerPixel => Math.Max(Config.NumFeat, (long)Scale * Scale * Config.NumOutCh);

    /// <inheritdoc/>
    public Tensor Forward(Tensor image)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TorchExtras.channels_last(ToOwn(image));
        Tensor h = _convs[0].Forward(x);
        for (int i = 0; i < _convs.Length - 1; i++)
        {
            if (i > 0)
            {
                Scoped.Swap(ref h, _convs[i].Forward(h));
            }
            Scoped.Swap(ref h, Activate(h, i));
        }
        Scoped.Swap(ref h, F.pixel_shuffle(_convs[^1].Forward(h), Scale));
        Tensor enlarged = Upsample2D.Nearest(x, (x.shape[2] * Scale, x.shape[3] * Scale));
        return ToCaller(h + enlarged, image).MoveToOuterDisposeScope();
    }

    private Tensor Activate(Tensor x, int layer) =>
        _slopes is not null ? F.prelu(x, _slopes[layer].Value)
        : Config.ActType == "relu" ? F.relu(x)
        : F.leaky_relu(x, LeakySlope);
}
