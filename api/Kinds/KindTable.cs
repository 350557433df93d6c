using Generation.Contracts;

namespace Generation.Api.Kinds;

/// <summary>The definitions of all kinds of jobs.</summary>
internal static class KindTable
{
    private static readonly Dictionary<Type, KindDefinition> ByBody;

    static KindTable()
    {
        All = [.. Enum.GetValues<JobKind>().Select(Define)];
        ByBody = All.ToDictionary(kind => kind.BodyType);
    }

    /// <summary>Every kind's definition, in the order of the kinds' numbers.</summary>
    public static IReadOnlyList<KindDefinition> All { get; }

    /// <summary>The definition of a kind.</summary>
    public static KindDefinition Of(JobKind kind) => All[(int)kind];

    /// <summary>The definition of the kind that a body asks for.</summary>
    public static KindDefinition Of(JobBody body) => ByBody[body.GetType()];

    /// <summary>The definition whose bodies are read into a type; null where the type is no kind's body.</summary>
    public static KindDefinition? FindByBody(Type type) => ByBody.GetValueOrDefault(type);

    /// <summary>The definition of the kind with a name on the wire; null where no kind has the name.</summary>
    public static KindDefinition? Find(string? name) => All.FirstOrDefault(kind => kind.Name == name);

    // A kind without a definition does not compile (CS8509); numbers that are no kind (CS8524) do not occur
#pragma warning disable CS8524
    private static KindDefinition Define(JobKind kind) =>
        kind switch
        {
            JobKind.Text2Img => new Text2ImgKind(),
            JobKind.Img2Img => new Img2ImgKind(),
            JobKind.Inpaint => new InpaintKind(),
            JobKind.Outpaint => new OutpaintKind(),
            JobKind.SuperResolution => new SuperResolutionKind(),
            JobKind.Edit => new EditKind(),
            JobKind.ControlNet => new ControlNetKind(),
            JobKind.Video => new VideoKind(),
        };
#pragma warning restore CS8524
}
