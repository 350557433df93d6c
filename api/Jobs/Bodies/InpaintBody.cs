using System.ComponentModel;

namespace Generation.Api;

/// <summary>Paints inside a mask.</summary>
public sealed record InpaintBody : ImageBody
{
    [Description("A picture of the same aspect as the image: by default its white part is painted anew and its black part kept.")]
    public PictureSource? Mask { get; set; }

    [Description("paint_white (else), paint_black or paint_transparent: which part of the mask is painted anew.")]
    public string? MaskMode { get; set; }

    [Description("Instead of a mask: words for what is to be painted anew, which is then looked for in the image.")]
    public string? MaskPrompt { get; set; }

    [Description(
        "Make the masked area only, with so many pixels around it, at the model's whole size: for small details. Absent: the whole "
            + "picture is made."
    )]
    public int? Padding { get; set; }

    [Description("Softens the mask's edge, in pixels, 0 to 64; else 0: what the mask keeps stays exactly as it was.")]
    public double? MaskBlur { get; set; }

    [Description("Lets the masked area grow by so many pixels, or shrink where negative. -256 to 256, else 0.")]
    public int? MaskGrow { get; set; }

    [Description("How much may change inside the mask: above 0 to 1; else 1.")]
    public double? Strength { get; set; }

    internal override IEnumerable<(string Field, PictureSource? Source)> Pictures => [.. base.Pictures, ("mask", Mask)];
}
