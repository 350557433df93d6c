using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Vision;

/// <summary>The configuration of <see cref="SafetyChecker"/>: transformers' CLIPConfig, of which it uses the vision half.</summary>
public sealed record SafetyCheckerConfig : INetworkConfig
{
    public ClipVisionConfig VisionConfig { get; init; } = new();

    public int ProjectionDim { get; init; } = 512;

    /// <inheritdoc/>
    public void Validate()
    {
        VisionConfig.Validate();
        ConfigCheck.Positive("projection_dim", ProjectionDim);
    }
}

/// <summary>
/// Tells which pictures are similar to one of a set of unwanted concepts, in CLIP's joint space of texts and pictures. It is the safety
/// checker of Stable Diffusion 1.x.
/// </summary>
public sealed class SafetyChecker : Network
{
    // A picture near to a special-care concept is judged more strictly by this much
    private const double SpecialCareAdjustment = 0.01;
    private const int Decimals = 3;

    private readonly ClipVisionTransformer _visionModel;
    private readonly Linear _visualProjection;
    private readonly Parameter _conceptEmbeds;
    private readonly Parameter _conceptThresholds;
    private readonly Parameter _specialCareEmbeds;
    private readonly Parameter _specialCareThresholds;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public SafetyChecker(SafetyCheckerConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        long concepts = weights.ShapeOf("concept_embeds")[0],
            special = weights.ShapeOf("special_care_embeds")[0];
        _visionModel = new ClipVisionTransformer(weights["vision_model.vision_model"], config.VisionConfig);
        _visualProjection = new Linear(weights["visual_projection"], config.VisionConfig.HiddenSize, config.ProjectionDim, bias: false);
        _conceptEmbeds = weights.Take("concept_embeds", concepts, config.ProjectionDim);
        _conceptThresholds = weights.Take("concept_embeds_weights", concepts);
        _specialCareEmbeds = weights.Take("special_care_embeds", special, config.ProjectionDim);
        _specialCareThresholds = weights.Take("special_care_embeds_weights", special);
        Finish(weights);
    }

    public SafetyCheckerConfig Config { get; }

    /// <param name="pixelValues">(batch, 3, image_size, image_size), normalised with CLIP's mean and standard deviation</param>
    /// <returns>For each picture whether it is similar to an unwanted concept.</returns>
    public bool[] Check(Tensor pixelValues)
    {
        using DisposeScope scope = NewDisposeScope();
        return Judge(ImageEmbeds(pixelValues));
    }

    /// <summary>Embeds pictures in the joint space, in the caller's scope.</summary>
    /// <returns>(batch, projection_dim)</returns>
    public Tensor ImageEmbeds(Tensor pixelValues)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor last = _visionModel.HiddenStates(ToOwn(pixelValues))[^1];
        return _visualProjection.Forward(_visionModel.Pool(last)).MoveToOuterDisposeScope();
    }

    /// <summary>Tells for embedded pictures whether they are similar to an unwanted concept.</summary>
    /// <param name="imageEmbeds">(batch, projection_dim)</param>
    public bool[] Judge(Tensor imageEmbeds)
    {
        float[][] special = Excess(imageEmbeds, _specialCareEmbeds, _specialCareThresholds);
        float[][] concepts = Excess(imageEmbeds, _conceptEmbeds, _conceptThresholds);
        return [.. special.Zip(concepts, (care, scores) =>
            {
                double adjustment = care.Any(score => Exceeds(score, 0)) ? SpecialCareAdjustment : 0;
                return scores.Any(score => Exceeds(score, adjustment));
            })];
    }

    private static bool Exceeds(double score, double adjustment) => Math.Round(score + adjustment, Decimals) > 0;

    /// <summary>Cosine similarities minus their thresholds, one row per picture.</summary>
    private static float[][] Excess(Tensor imageEmbeds, Parameter embeds, Parameter thresholds)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor cosines = TorchExtras.product(Normalized(imageEmbeds), Normalized(embeds.Value).t());
        Tensor excess = (cosines - thresholds.Value.to(ScalarType.Float32)).cpu().contiguous();
        return [.. excess.data<float>().ToArray().Chunk((int)excess.shape[1])];
    }

    private static Tensor Normalized(Tensor x)
    {
        Tensor wide = x.to(ScalarType.Float32);
        return wide / wide.square().sum(-1, keepdim: true).sqrt().clamp_min(1e-12);
    }
}
