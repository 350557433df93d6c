using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Releases the intermediate results of a chain of layers early, so that its peak memory is one input and one output.</summary>
internal static class Scoped
{
    /// <summary>
    /// Moves a layer's result to the caller's scope, unless it was computed in place of <paramref name="added"/>, which the caller has
    /// already.
    /// </summary>
    public static Tensor Leave(Tensor result, Tensor? added) => ReferenceEquals(result, added) ? result : result.MoveToOuterDisposeScope();

    /// <summary>
    /// Replaces <paramref name="current"/> by <paramref name="next"/>, and releases its memory at once instead of at the scope's end.
    /// </summary>
    public static void Swap(ref Tensor current, Tensor next)
    {
        if (!ReferenceEquals(current, next))
        {
            current.Dispose();
            current = next;
        }
    }
}
