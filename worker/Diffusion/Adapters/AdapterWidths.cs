namespace Generation.Diffusion.Adapters;

/// <summary>
/// The sizes of a model's networks, from which it follows whether an adapter fits the model. A network that the model does not have is
/// null, and no adapter for that network fits.
/// </summary>
public sealed record AdapterWidths
{
    /// <summary>The name of the denoising network: unet or transformer.</summary>
    public string? Denoiser { get; init; }

    /// <summary>The number of features of each prompt token in the denoiser's cross attention.</summary>
    public long? Context { get; init; }

    /// <summary>The number of transformer blocks in the UNet's deepest attention.</summary>
    public int Depth { get; init; } = 1;

    /// <summary>The number of features of a token in the first text encoder.</summary>
    public long? Text { get; init; }

    /// <summary>The number of features of a token in the second text encoder.</summary>
    public long? Text2 { get; init; }

    /// <summary>The number of features of a token in all text encoders together, which textual inversions must have.</summary>
    public long? Embedding { get; init; }
}
