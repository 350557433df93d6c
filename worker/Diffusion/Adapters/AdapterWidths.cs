namespace Generation.Diffusion.Adapters;

/// <summary>
/// Sizes of a model's networks, by which adapters are told to fit it. What the model has not is null, and no adapter for it fits.
/// </summary>
public sealed record AdapterWidths
{
    /// <summary>unet or transformer.</summary>
    public string? Denoiser { get; init; }

    /// <summary>Features of each token of the prompt that the denoiser's cross attention looks at.</summary>
    public long? Context { get; init; }

    /// <summary>Transformer blocks of the UNet's deepest attention.</summary>
    public int Depth { get; init; } = 1;

    /// <summary>Features of the first text encoder's tokens.</summary>
    public long? Text { get; init; }

    /// <summary>Features of the second text encoder's tokens.</summary>
    public long? Text2 { get; init; }

    /// <summary>Features of a token by which textual inversions are told to fit: of all text encoders together.</summary>
    public long? Embedding { get; init; }
}
