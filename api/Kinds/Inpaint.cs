using System.ComponentModel;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>A request to paint inside a mask.</summary>
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

/// <summary>Paints inside a mask, which is given or found from a text.</summary>
internal sealed class InpaintKind : KindDefinition<InpaintBody>
{
    private const double DefaultStrength = 1;
    private const int MaxMaskPromptLength = 200;

    /// <summary>So far the mask's aspect may be from the picture's, as a share.</summary>
    private const double AspectTolerance = 0.02;

    public override JobKind Kind => JobKind.Inpaint;

    public override string Summary => "Paints inside a mask";

    public override string Example => $$"""{"prompt": "a yellow star", "image": "{{ExampleUpload}}", "mask": "{{ExampleUpload}}"}""";

    public override IReadOnlyList<string> RequiredFields => ["prompt", "image"];

    public override KindPrice? Price => null;

    public override bool MakesClips => false;

    public override bool TakesHiresFix => false;

    protected override CheckedRequest? Check(InpaintBody body, RequestChecks checks)
    {
        StoredPicture? image = checks.RequiredPicture("image", body.Image);
        StoredPicture? mask = checks.Picture("mask");
        if (checks.CommonFields(body, image) is not ({ } common, { } model))
        {
            return null;
        }

        CheckMask(body, image, mask, model, checks.Errors);
        var request = new InpaintRequest(common, image!)
        {
            Mask = mask,
            MaskMode = checks.Choice("mask_mode", body.MaskMode, MaskMode.PaintWhite),
            MaskPrompt = body.MaskPrompt is null ? null : checks.Text("mask_prompt", body.MaskPrompt, MaxMaskPromptLength),
            Padding = body.Padding is { } padding ? checks.Range("padding", padding, 0, 1024) : null,
            MaskBlur = checks.Range("mask_blur", body.MaskBlur ?? 0, 0, 64),
            MaskGrow = checks.Range("mask_grow", body.MaskGrow ?? 0, -256, 256),
            Strength = checks.Strength("strength", body.Strength ?? DefaultStrength),
        };
        return image is null ? null : checks.Planned(request, model);
    }

    private static void CheckMask(InpaintBody body, StoredPicture? image, StoredPicture? mask, ModelEntry model, FieldErrors errors)
    {
        if (body.Mask is null && body.MaskPrompt is null)
        {
            errors.Add("mask", model.MaskFinder is null ? "is required" : "or mask_prompt is required");
        }
        else if (body.MaskPrompt is not null)
        {
            if (body.Mask is not null)
            {
                errors.Add("mask_prompt", "and mask exclude each other");
            }

            if (model.MaskFinder is null)
            {
                errors.Add("mask_prompt", $"{model.Name} has no network that finds masks from a text; send a mask");
            }

            if (string.IsNullOrWhiteSpace(body.MaskPrompt))
            {
                errors.Add("mask_prompt", "must not be empty");
            }
        }

        if (
            image is not null
            && mask is not null
            && Math.Abs(((double)mask.Width * image.Height / ((double)mask.Height * image.Width)) - 1) > AspectTolerance
        )
        {
            errors.Add("mask", $"must have the aspect of the image, {image.Width} x {image.Height}, and is {mask.Width} x {mask.Height}");
        }
    }
}
