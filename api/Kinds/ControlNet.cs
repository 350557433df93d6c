using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>A request for pictures from a prompt, guided by control pictures.</summary>
public sealed record ControlNetBody : PictureBody
{
    [Description("The control pictures, 1 to 4.")]
    [MaxLength(ControlNetKind.MaxControls)]
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

/// <summary>Makes pictures from a prompt, guided by control pictures.</summary>
internal sealed class ControlNetKind : KindDefinition<ControlNetBody>
{
    public const int MaxControls = 4;

    /// <summary>What can be made of a control picture without a network; the first is the default and leaves it as it is.</summary>
    public static readonly string[] Preprocessors = ["none", "canny", "invert", "blur", "tile"];

    private static readonly string[] ResizeModes = ["crop", "fit", "stretch"];

    public override JobKind Kind => JobKind.ControlNet;

    public override string Summary => "Pictures from a prompt, guided by control pictures";

    public override string Example =>
        $$"""{"prompt": "a house", "control": [{"image": "{{ExampleUpload}}", "type": "canny", "preprocessor": "canny"}]}""";

    public override IReadOnlyList<string> RequiredFields => ["prompt", "control"];

    /// <summary>The control networks come on top of the model's own.</summary>
    public override KindPrice? Price { get; } = new() { PerMegapixelStep = 0.2m };

    public override bool MakesClips => false;

    public override bool TakesHiresFix => true;

    protected override CheckedRequest? Check(ControlNetBody body, RequestChecks checks)
    {
        ControlBody[] controls = body.Control ?? [];
        if (body.Control is null && !checks.Errors.Has("control"))
        {
            checks.Errors.Add("control", "is required");
        }
        else if (body.Control is not null && controls.Length is < 1 or > MaxControls)
        {
            checks.Errors.Add("control", $"must have 1 to {MaxControls} control pictures, and has {controls.Length}");
        }

        StoredPicture?[] images = [.. controls.Select((control, i) => checks.RequiredPicture($"control[{i}].image", control.Image))];
        if (checks.CommonFields(body, images.FirstOrDefault()) is not ({ } common, { } model))
        {
            return null;
        }

        ControlUse[] uses = [.. controls.Select((control, i) => Use($"control[{i}]", control, images[i], model, checks))];
        return images.Contains(null)
            ? null
            : checks.Planned(new ControlNetRequest(common, uses) { GuessMode = body.GuessMode ?? false }, model);
    }

    private static ControlUse Use(string field, ControlBody control, StoredPicture? image, ModelEntry model, RequestChecks checks)
    {
        string[] types = [.. model.ControlNets.Select(net => net.Type).Distinct()];
        double start = checks.Range($"{field}.start", control.Start ?? 0, 0, 1);
        double end = checks.Range($"{field}.end", control.End ?? 1, 0, 1);
        if (start >= end && !checks.Errors.Has($"{field}.start"))
        {
            checks.Errors.Add($"{field}.start", $"must be below end, which is {end}, and is {start}");
        }

        if (control.Type is null && types.Length > 1)
        {
            checks.Errors.Add($"{field}.type", $"is required; {model.Name} has {string.Join(", ", types)}");
        }

        return new ControlUse
        {
            Image = image!,
            Type = control.Type is null ? types.FirstOrDefault("") : checks.Choice($"{field}.type", control.Type, types),
            Preprocessor = checks.Choice($"{field}.preprocessor", control.Preprocessor ?? Preprocessors[0], Preprocessors),
            ResizeMode = checks.Choice($"{field}.resize_mode", control.ResizeMode ?? ResizeModes[0], ResizeModes),
            Scale = checks.Range($"{field}.scale", control.Scale ?? 1, 0, 4),
            Start = start,
            End = end,
        };
    }
}
