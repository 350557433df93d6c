using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// CLIP's picture encoder (https://arxiv.org/abs/2103.00020) with the projection into the joint space of texts and pictures, which Stable
/// Video Diffusion is conditioned on.
/// </summary>
public sealed class CLIPVisionModel : Network
{
    private readonly ClipVisionTransformer _visionModel;
    private readonly Linear _visualProjection;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public CLIPVisionModel(ClipVisionConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        _visionModel = new ClipVisionTransformer(weights["vision_model"], config);
        _visualProjection = new Linear(weights["visual_projection"], config.HiddenSize, config.ProjectionDim, bias: false);
        Finish(weights);
    }

    public ClipVisionConfig Config { get; }

    /// <param name="pixelValues">(batch, 3, image_size, image_size), normalised with CLIP's mean and standard deviation</param>
    /// <returns>The output, in the caller's scope.</returns>
    /// <exception cref="ArgumentException">The pictures have another size.</exception>
    public ClipVisionOutput Forward(Tensor pixelValues)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor last = _visionModel.HiddenStates(ToOwn(pixelValues))[^1];
        Tensor embeds = _visualProjection.Forward(_visionModel.Pool(last));
        return new ClipVisionOutput(last.MoveToOuterDisposeScope(), embeds.MoveToOuterDisposeScope());
    }
}

/// <summary>The output of <see cref="CLIPVisionModel"/>, in the caller's scope.</summary>
/// <param name="LastHiddenState">(batch, 1 + patches, hidden size), before the last norm.</param>
/// <param name="ImageEmbeds">(batch, projection_dim): the class token in the joint space.</param>
public sealed record ClipVisionOutput(Tensor LastHiddenState, Tensor ImageEmbeds) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        LastHiddenState.Dispose();
        ImageEmbeds.Dispose();
    }
}
