using System.ComponentModel;

namespace Generation.Api;

/// <summary>Words to pictures, steered by control pictures.</summary>
public sealed record ControlNetBody : PictureBody
{
    [Description("The control pictures, 1 to 4.")]
    public ControlBody[]? Control { get; set; }

    [Description("Lets the controls act without, or beside, the prompt.")]
    public bool? GuessMode { get; set; }

    internal override IEnumerable<(string Field, PictureSource? Source)> Pictures =>
        (Control ?? []).Select((control, index) => ($"control[{index}].image", control.Image));
}

/// <summary>A control picture in a request.</summary>
public sealed record ControlBody
{
    [Description(
        "PNG, JPEG or WebP: an upload's id, a data URI, base64, or an http(s) address; or a file control[N].image of a multipart form."
    )]
    public PictureSource? Image { get; set; }

    [Description("What the picture shows, from the model's control_types in /v1/models; absent: the only one.")]
    public string? Type { get; set; }

    [Description("What is made of the picture first: none (else), canny, invert, blur or tile.")]
    public string? Preprocessor { get; set; }

    [Description("How the picture is brought to the output's size: crop (else), fit or stretch.")]
    public string? ResizeMode { get; set; }

    [Description("How strongly it acts, 0 to 4; else 1.")]
    public double? Scale { get; set; }

    [Description("Share of the steps after which it begins to act; else 0.")]
    public double? Start { get; set; }

    [Description("Share of the steps after which it no longer acts; else 1.")]
    public double? End { get; set; }
}
