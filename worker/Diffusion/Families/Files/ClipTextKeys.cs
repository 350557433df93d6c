using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Files;

/// <summary>
/// Keys of CLIP's text encoder, which some programs write without the "text_model." that stands before them in its class: those that
/// saved the text model alone.
/// </summary>
internal static class ClipTextKeys
{
    private const string Root = "text_model.";
    private static readonly string[] Inner = ["embeddings.", "encoder.", "final_layer_norm."];

    /// <summary>The weights under the names that the network takes.</summary>
    /// <param name="source">Stays the caller's.</param>
    public static WeightSource Rename(WeightSource source) =>
        source.Names.Any(IsWithoutRoot)
            ? new RenamedWeights(
                source,
                source.Names.ToDictionary(
                    name => IsWithoutRoot(name) ? Root + name : name,
                    name => new WeightPiece(name),
                    StringComparer.Ordinal
                ),
                owns: false
            )
            : source;

    private static bool IsWithoutRoot(string name) => Inner.Any(start => name.StartsWith(start, StringComparison.Ordinal));
}
