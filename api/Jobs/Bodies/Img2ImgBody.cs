using System.ComponentModel;

namespace Generation.Api;

/// <summary>A picture and words to pictures.</summary>
public sealed record Img2ImgBody : ImageBody
{
    [Description("How much may change: above 0 to 1, which forgets the picture; else 0.75.")]
    public double? Strength { get; set; }
}
