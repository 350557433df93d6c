namespace Generation.Torch;

/// <summary>
/// A layer's packed weight with our own kernel that reads it. Packed weights that exist in addition to the weight itself take at most a
/// quarter of the machine's memory together; layers beyond that are computed by libtorch.
/// </summary>
/// <typeparam name="TRun">The delegate that calls the kernel.</typeparam>
internal sealed class LayerKernel<TRun> : IDisposable
    where TRun : Delegate
{
    private readonly IDisposable _packed;
    private long _bytes;

    private LayerKernel(IDisposable packed, TRun run, long bytes)
    {
        _packed = packed;
        Run = run;
        _bytes = bytes;
    }

    // The packed weight itself is freed by a finalizer of its own
    ~LayerKernel() => PackedMemory.Give(Interlocked.Exchange(ref _bytes, 0));

    public TRun Run { get; }

    /// <summary>Packs a layer. Null where <paramref name="pack"/> returns null, or there is no room.</summary>
    /// <param name="bytes">About how many bytes the packed weight takes; 0 where it replaces the weight.</param>
    /// <param name="pack">Packs the weight; called only where there is room.</param>
    public static LayerKernel<TRun>? Within(long bytes, Func<(IDisposable Packed, TRun Run)?> pack)
    {
        if (!PackedMemory.TryTake(bytes))
        {
            return null;
        }

        LayerKernel<TRun>? made = null;
        try
        {
            if (pack() is var (packed, run))
            {
                made = new LayerKernel<TRun>(packed, run, bytes);
            }

            return made;
        }
        finally
        {
            if (made is null)
            {
                PackedMemory.Give(bytes);
            }
        }
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        PackedMemory.Give(Interlocked.Exchange(ref _bytes, 0));
        _packed.Dispose();
    }
}

/// <summary>The size of all packed weights of this process, in bytes.</summary>
internal static class PackedMemory
{
    private static readonly long s_limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;
    private static long s_total;

    public static bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref s_total, bytes) <= s_limit)
        {
            return true;
        }

        Give(bytes);
        return false;
    }

    public static void Give(long bytes) => Interlocked.Add(ref s_total, -bytes);
}
