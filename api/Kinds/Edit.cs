using System.ComponentModel;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>A request to change a picture; the prompt is the instruction.</summary>
public sealed record EditBody : ImageBody
{
    [Description("How closely the result keeps to the picture, 1 to 20; else 1.5.")]
    public double? ImageGuidanceScale { get; set; }
}

/// <summary>Changes a picture as an instruction says.</summary>
internal sealed class EditKind : KindDefinition<EditBody>
{
    private const double DefaultImageGuidanceScale = 1.5;

    public override JobKind Kind => JobKind.Edit;

    public override string Summary => "Changes a picture as an instruction says";

    public override string Example => $$"""{"prompt": "make it winter", "image": "{{ExampleUpload}}", "image_guidance_scale": 1.5}""";

    public override IReadOnlyList<string> RequiredFields => ["prompt", "image"];

    /// <summary>The network predicts three times a step, where other kinds predict twice.</summary>
    public override KindPrice? Price { get; } = new() { PerMegapixelStep = 0.22m };

    public override bool MakesClips => false;

    public override bool TakesHiresFix => false;

    protected override CheckedRequest? Check(EditBody body, RequestChecks checks)
    {
        StoredPicture? image = checks.RequiredPicture("image", body.Image);
        if (checks.CommonFields(body, image) is not ({ } common, { } model))
        {
            return null;
        }

        double scale = checks.Range("image_guidance_scale", body.ImageGuidanceScale ?? DefaultImageGuidanceScale, 1, 20);
        return image is null ? null : checks.Planned(new EditRequest(common, image) { ImageGuidanceScale = scale }, model);
    }
}
