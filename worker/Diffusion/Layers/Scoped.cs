using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Keeps the peak memory of a chain of layers at one input and one output.</summary>
internal static class Scoped
{
    /// <summary>
    /// Gives a layer's result to the caller's scope; what was computed in place of <paramref name="added"/> stays where it is.
    /// </summary>
    public static Tensor Leave(Tensor result, Tensor? added) => ReferenceEquals(result, added) ? result : result.MoveToOuterDisposeScope();

    /// <summary>
    /// Puts <paramref name="next"/> in the place of <paramref name="current"/>, whose memory goes back at once and not at the scope's end.
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
