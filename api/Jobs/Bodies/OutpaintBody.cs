using System.ComponentModel;

namespace Generation.Api;

/// <summary>Paints beyond the borders of a picture.</summary>
public sealed record OutpaintBody : ImageBody
{
    [Description("Pixels to add on the left; at least one side must grow.")]
    public int? Left { get; set; }

    [Description("Pixels to add on the right.")]
    public int? Right { get; set; }

    [Description("Pixels to add above.")]
    public int? Top { get; set; }

    [Description("Pixels to add below.")]
    public int? Bottom { get; set; }

    [Description("Pixels inside the old border over which old and new blend; else 16, or a quarter of a small picture.")]
    public int? Overlap { get; set; }
}
