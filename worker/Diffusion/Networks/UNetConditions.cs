using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// The optional inputs of a <see cref="UNet2DConditionModel"/> apart from sample, timestep and prompt. The tensors remain the caller's.
/// </summary>
public sealed record UNetConditions
{
    /// <summary>No conditions.</summary>
    public static UNetConditions None { get; } = new();

    /// <summary>
    /// (batch) numbers, or (batch, features), as the config's class_embed_type says; for the x4 upscaler its noise level.
    /// </summary>
    public Tensor? ClassLabels { get; init; }

    /// <summary>(batch, time_cond_proj_dim): the embedded guidance scale of LCM-distilled networks.</summary>
    public Tensor? TimestepCond { get; init; }

    /// <summary>(batch, features): SDXL's pooled text embedding.</summary>
    public Tensor? TextEmbeds { get; init; }

    /// <summary>(batch, 6): original size, crop and target size of SDXL; (batch, 5) with the aesthetic score for its refiner.</summary>
    public Tensor? TimeIds { get; init; }

    /// <summary>(batch, prompt length), with 1 for tokens that are attended to and 0 for padding.</summary>
    public Tensor? EncoderAttentionMask { get; init; }

    /// <summary>Added to the skip connections, in the order of <see cref="ControlNetOutput.Down"/>.</summary>
    public IReadOnlyList<Tensor>? DownResiduals { get; init; }

    /// <summary>Added to the middle block's output.</summary>
    public Tensor? MidResidual { get; init; }
}
