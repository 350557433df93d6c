namespace Generation.Kernels.Tests;

/// <summary>The sets of vectors in C# that this machine runs, for tests that go through each.</summary>
internal static class InstructionSets
{
    public static IReadOnlyList<InstructionSet> Vectors { get; } =
    [.. new[] { InstructionSet.Avx2, InstructionSet.Avx512 }.Where(static set => set <= Processor.Vectors)];

    /// <summary>Each set with each type of numbers.</summary>
    public static IEnumerable<TestCaseData> WithElements() =>
        from set in Vectors
        from element in Enum.GetValues<Element>()
        select new TestCaseData(set, element);

    /// <summary>Runs <paramref name="body"/> with so many threads.</summary>
    public static void WithThreads(int threads, Action body)
    {
        int before = ThreadTeam.Threads;
        ThreadTeam.Threads = threads;
        try
        {
            body();
        }
        finally
        {
            ThreadTeam.Threads = before;
        }
    }
}
