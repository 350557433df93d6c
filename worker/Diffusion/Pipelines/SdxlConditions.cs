namespace Generation.Diffusion.Pipelines;

/// <summary>
/// What SDXL can be told about the picture beside the prompt. Podell et al., SDXL, 2023, section 2.2. Other families ignore it.
/// </summary>
public sealed record SdxlConditions
{
    /// <summary>The size that pictures like the one to make had before scaling; null for the size to make.</summary>
    public PictureSize? OriginalSize { get; init; }

    /// <summary>The upper left corner at which pictures like the one to make were cropped, in pixels.</summary>
    public (int Top, int Left) CropsCoordsTopLeft { get; init; }

    /// <summary>The size that pictures like the one to make were scaled to; null for the size to make.</summary>
    public PictureSize? TargetSize { get; init; }

    /// <summary>
    /// <see cref="OriginalSize"/> of the negative prompt; null for that of the prompt. The next two properties are likewise.
    /// </summary>
    public PictureSize? NegativeOriginalSize { get; init; }

    public (int Top, int Left) NegativeCropsCoordsTopLeft { get; init; }

    public PictureSize? NegativeTargetSize { get; init; }

    /// <summary>For the refiner: the aesthetic score, about 1 to 10, of pictures like the one to make.</summary>
    public double AestheticScore { get; init; } = 6;

    public double NegativeAestheticScore { get; init; } = 2.5;
}
