namespace Generation.Kernels.Attention;

/// <summary>
/// How the work on a head is divided. The division of keys, which rounding depends on, follows from the number of keys alone.
/// </summary>
internal sealed class AttentionPlan
{
    // keys whose scores with the queries of a tile stay in the nearest cache
    private const long LargestKeyBlock = 128;

    // keys that one piece of packing takes
    private const long PackedKeys = 512;

    // beyond so many numbers a head's keys and values do not stay in a core's own cache, and several query blocks share each reading
    private const long CachedNumbers = 1 << 18;

    private const long MostBlocksAPiece = 4;

    public AttentionPlan(in AttentionTask task, int tileRows, int tileQueries)
    {
        long keyBlocks = (task.Keys + LargestKeyBlock - 1) / LargestKeyBlock;
        KeyBlock = RoundUp((task.Keys + keyBlocks - 1) / keyBlocks, tileRows);
        PaddedKeys = RoundUp(task.Keys, tileRows);
        PaddedSize = RoundUp(task.Size, tileRows);
        ValuesOffset = RoundUp(PaddedKeys * task.Size, 16);
        HeadNumbers = ValuesOffset + RoundUp(PaddedSize * task.Keys, 16);
        PackKeys = RoundUp(PackedKeys, tileRows);
        PackPieces = (task.Keys + PackKeys - 1) / PackKeys;
        QueryBlocks = (task.Length + tileQueries - 1) / tileQueries;
        long share = task.Batch * task.Heads * QueryBlocks / (4L * ThreadTeam.Threads);
        BlocksAPiece = HeadNumbers <= CachedNumbers ? 1 : Math.Clamp(share, 1, MostBlocksAPiece);
        RunPieces = (QueryBlocks + BlocksAPiece - 1) / BlocksAPiece;
    }

    /// <summary>The number of keys of a block, a whole number of tiles.</summary>
    public long KeyBlock { get; }

    public long PaddedKeys { get; }

    /// <summary>The size of a head, rounded up to whole tiles.</summary>
    public long PaddedSize { get; }

    /// <summary>How many float32 numbers a head's packed keys and values have.</summary>
    public long HeadNumbers { get; }

    /// <summary>The index at which the packed values begin.</summary>
    public long ValuesOffset { get; }

    public long PackKeys { get; }

    public long PackPieces { get; }

    public long QueryBlocks { get; }

    /// <summary>How many query blocks go through the keys together.</summary>
    public long BlocksAPiece { get; }

    public long RunPieces { get; }

    private static long RoundUp(long value, long step) => (value + step - 1) / step * step;
}
