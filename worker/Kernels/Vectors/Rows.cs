namespace Generation.Kernels.Vectors;

/// <summary>Shares rows between threads, where they are enough: a second thread costs some microseconds.</summary>
internal static class Rows
{
    private const long NumbersAPiece = 32768;

    /// <summary>
    /// Calls <paramref name="body"/> with runs (begin, end) of <paramref name="rows"/> rows, on any thread and in any order. How rows fall
    /// into runs depends on nothing but their number and size.
    /// </summary>
    public static void Share(long rows, long numbersARow, Action<long, long> body)
    {
        long run = Math.Max(1, NumbersAPiece / Math.Max(1, numbersARow));
        ThreadTeam.For((rows + run - 1) / run, piece => body(piece * run, Math.Min(rows, (piece + 1) * run)));
    }
}
