namespace Generation.Diffusion.Pipelines;

/// <summary>
/// What SDXL can be told about the picture beside the prompt. Podell et al., SDXL, 2023, section 2.2. Other families have no use for it.
/// </summary>
public sealed record SdxlConditions
{
    /// <summary>Size before scaling of pictures like the one to make; null is the size to make.</summary>
    public PictureSize? OriginalSize { get; init; }

    /// <summary>Where the picture was cut from a larger one, in pixels.</summary>
    public (int Top, int Left) CropsCoordsTopLeft { get; init; }

    /// <summary>Size that pictures were brought to; null is the size to make.</summary>
    public PictureSize? TargetSize { get; init; }

    /// <summary>The same three for the negative prompt; null is the prompt's own.</summary>
    public PictureSize? NegativeOriginalSize { get; init; }

    public (int Top, int Left) NegativeCropsCoordsTopLeft { get; init; }

    public PictureSize? NegativeTargetSize { get; init; }

    /// <summary>Of the refiner: the score, about 1 to 10, of pictures like the one to make.</summary>
    public double AestheticScore { get; init; } = 6;

    public double NegativeAestheticScore { get; init; } = 2.5;
}
