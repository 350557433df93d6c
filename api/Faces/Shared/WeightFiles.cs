using Generation.Contracts;

namespace Generation.Api.Faces.Shared;

/// <summary>Names of the catalogue as files of weights, which is how the programs name them that run models themselves.</summary>
internal static class WeightFiles
{
    private const string Extension = ".safetensors";

    private static readonly string[] Extensions = [Extension, ".ckpt", ".pt", ".pth", ".sft"];

    /// <summary>A checkpoint, or another file of weights, as lists show it: clients keep that name and send it again.</summary>
    public static string TitleOf(string name) => name + Extension;

    /// <summary>The name without what stands around it: a folder, a file's extension, a hash in brackets.</summary>
    public static string Bare(string name)
    {
        string bare = name.Trim();
        int hash = bare.EndsWith(']') ? bare.LastIndexOf(" [", StringComparison.Ordinal) : -1;
        bare = hash > 0 ? bare[..hash].TrimEnd() : bare;
        bare = bare[(bare.LastIndexOfAny(['/', '\\']) + 1)..];
        return Extensions.FirstOrDefault(e => bare.EndsWith(e, StringComparison.OrdinalIgnoreCase)) is { } extension
            ? bare[..^extension.Length]
            : bare;
    }

    /// <summary>The catalogue's name of a checkpoint; null for its default.</summary>
    /// <param name="name">The client's: with or without folder, extension and hash.</param>
    /// <param name="table">Names of the service, to names of the catalogue or "" for its default; "*" stands for all others.</param>
    /// <param name="fallback">The face's default model; empty for the catalogue's default.</param>
    /// <param name="catalogue">The models that workers have registered.</param>
    /// <exception cref="UnknownNameException">There is no such checkpoint.</exception>
    public static string? Checkpoint(
        string name,
        IReadOnlyDictionary<string, string> table,
        string fallback,
        IReadOnlyDictionary<string, ModelEntry> catalogue
    )
    {
        string whole = name.Trim();
        string bare = Bare(name);
        string known =
            table.ContainsKey(whole) ? whole
            : table.ContainsKey(bare) || catalogue.ContainsKey(bare) ? bare
            : catalogue.Keys.FirstOrDefault(k => k.Equals(bare, StringComparison.OrdinalIgnoreCase)) ?? bare;
        return FaceNames.Model(known, table, fallback, catalogue);
    }

    /// <summary>Whether a model draws pictures, and is not one that only enlarges or makes clips.</summary>
    public static bool IsCheckpoint(ModelEntry model) =>
        model.Kinds.Any(k => k is JobKind.Text2Img or JobKind.Img2Img or JobKind.Inpaint or JobKind.Edit or JobKind.ControlNet);
}
