using System.ComponentModel;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>A request for pictures from a picture and words.</summary>
public sealed record Img2ImgBody : ImageBody
{
    [Description("How much may change: above 0 to 1, which forgets the picture; else 0.75.")]
    public double? Strength { get; set; }
}

/// <summary>Draws over a picture, as far as the strength says.</summary>
internal sealed class Img2ImgKind : KindDefinition<Img2ImgBody>
{
    private const double DefaultStrength = 0.75;

    public override JobKind Kind => JobKind.Img2Img;

    public override string Summary => "Pictures from a picture and a prompt";

    public override string Example =>
        $$"""{"prompt": "a green apple on a blue background", "image": "{{ExampleUpload}}", "strength": 0.75}""";

    public override IReadOnlyList<string> RequiredFields => ["prompt", "image"];

    public override KindPrice? Price => null;

    public override bool MakesClips => false;

    public override bool TakesHiresFix => true;

    protected override CheckedRequest? Check(Img2ImgBody body, RequestChecks checks)
    {
        StoredPicture? image = checks.RequiredPicture("image", body.Image);
        if (checks.CommonFields(body, image) is not ({ } common, { } model))
        {
            return null;
        }

        double strength = checks.Strength("strength", body.Strength ?? DefaultStrength);
        return image is null ? null : checks.Planned(new Img2ImgRequest(common, image) { Strength = strength }, model);
    }
}
