using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>A request for pictures from a prompt.</summary>
public sealed record Text2ImgBody : PictureBody
{
    internal override IEnumerable<(string Field, PictureSource? Source)> Pictures => [];
}

/// <summary>Makes pictures from a prompt.</summary>
internal sealed class Text2ImgKind : KindDefinition<Text2ImgBody>
{
    public override JobKind Kind => JobKind.Text2Img;

    public override string Summary => "Pictures from a prompt";

    public override string Example => """{"prompt": "a red apple on a blue background", "width": 256, "height": 256, "seed": 7}""";

    public override IReadOnlyList<string> RequiredFields => ["prompt"];

    public override KindPrice? Price => null;

    public override bool MakesClips => false;

    public override bool TakesHiresFix => true;

    protected override CheckedRequest? Check(Text2ImgBody body, RequestChecks checks) =>
        checks.CommonFields(body) is ({ } common, { } model) ? checks.Planned(common, model) : null;
}
