using System.ComponentModel;
using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>A request to paint beyond the borders of a picture.</summary>
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

/// <summary>Paints beyond the borders of a picture, which stays as it is.</summary>
internal sealed class OutpaintKind : KindDefinition<OutpaintBody>
{
    private const int MaxSide = 8192;
    private const int DefaultOverlap = 16;

    public override JobKind Kind => JobKind.Outpaint;

    public override string Summary => "Paints beyond the borders of a picture";

    public override string Example => $$"""{"prompt": "a blue background", "image": "{{ExampleUpload}}", "left": 64, "right": 64}""";

    public override IReadOnlyList<string> RequiredFields => ["prompt", "image"];

    public override KindPrice? Price => null;

    public override bool MakesClips => false;

    public override bool TakesHiresFix => false;

    protected override CheckedRequest? Check(OutpaintBody body, RequestChecks checks)
    {
        StoredPicture? image = checks.RequiredPicture("image", body.Image);
        int left = checks.Range("left", body.Left ?? 0, 0, MaxSide);
        int right = checks.Range("right", body.Right ?? 0, 0, MaxSide);
        int top = checks.Range("top", body.Top ?? 0, 0, MaxSide);
        int bottom = checks.Range("bottom", body.Bottom ?? 0, 0, MaxSide);
        if ((left, right, top, bottom) == (0, 0, 0, 0))
        {
            checks.Errors.Add("left", "and right, top and bottom are all 0 or absent; at least one side must grow");
        }

        foreach ((string field, int? value) in new[] { ("width", body.Width), ("height", body.Height) })
        {
            if (value is not null)
            {
                checks.Errors.Add(field, "is the picture's and what left, right, top and bottom add to it; leave it out");
            }
        }

        (int? Width, int? Height) whole = (image?.Width + left + right, image?.Height + top + bottom);
        if (checks.CommonFields(body, image, whole) is not ({ } common, { } model) || image is null)
        {
            return null;
        }

        int shortest = Math.Min(image.Width, image.Height);
        int most = Math.Max(0, (shortest / 2) - 1);
        int overlap = checks.Range(
            "overlap",
            body.Overlap ?? Math.Min(DefaultOverlap, shortest / 4),
            0,
            most,
            " with a picture of this size"
        );
        var request = new OutpaintRequest(common, image)
        {
            Left = left,
            Right = right,
            Top = top,
            Bottom = bottom,
            Overlap = overlap,
        };
        return checks.Planned(request, model);
    }
}
