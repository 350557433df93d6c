using System.Diagnostics.CodeAnalysis;

namespace Generation.Kernels;

/// <summary>Memory of the library's own ran out: the runtime's exception for it, since callers handle both alike.</summary>
internal static class NoMemory
{
    [DoesNotReturn]
#pragma warning disable CA2201, MA0012 // the runtime's exception is meant
    public static void Throw(string what) => throw new OutOfMemoryException($"there is no memory for {what}");
#pragma warning restore CA2201, MA0012
}
