using Generation.Contracts;

namespace Generation.Cli.Commands;

/// <summary>A kind of job that `demo` shows, with a first try that works well on the embedded models.</summary>
/// <param name="Kind">The kind of the job.</param>
/// <param name="Prompt">The prompt where none is given; null where the kind needs none.</param>
/// <param name="NeedsPicture">Whether the kind begins with a picture; one is made first where none is given.</param>
internal sealed record DemoKind(JobKind Kind, string? Prompt, bool NeedsPicture)
{
    /// <summary>The prompt of the picture that is made first.</summary>
    public const string FirstPrompt = "a red apple on a blue background";

    public static IReadOnlyList<DemoKind> All { get; } =
    [
        new(JobKind.Text2Img, FirstPrompt, NeedsPicture: false),
        new(JobKind.Img2Img, "a lemon on a green background", NeedsPicture: true),
        new(JobKind.Inpaint, "a yellow star shape on a blue background", NeedsPicture: true),
        new(JobKind.SuperResolution, null, NeedsPicture: true),
        new(JobKind.Video, "a rocket rising in the night sky", NeedsPicture: false),
    ];

    /// <summary>The kind's name in the path of its call.</summary>
    public string Name => Kind.WireName();

    /// <summary>The side of the picture that is made first, in pixels; null for the model's default.</summary>
    public int? FirstSide => Kind == JobKind.SuperResolution ? 64 : null;

    public static DemoKind? Find(string name) => All.FirstOrDefault(kind => kind.Name == name);
}
