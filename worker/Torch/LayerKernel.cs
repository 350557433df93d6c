namespace Generation.Torch;

/// <summary>
/// A layer's packed weight with the kernel of ours that reads it. Those that lie in memory beside the weight itself hold at most a quarter
/// of the
/// machine's memory together: layers beyond that run as libtorch runs them.
/// </summary>
/// <typeparam name="TRun">How the kernel is called.</typeparam>
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

    /// <summary>Null where <paramref name="pack"/> makes nothing, or there is no room.</summary>
    /// <param name="bytes">What the packed weight takes, roughly; 0 where it takes the weight's own place.</param>
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

/// <summary>Bytes of all packed weights of this process.</summary>
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
