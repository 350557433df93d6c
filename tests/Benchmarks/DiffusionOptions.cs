using Generation.Benchmarks.Engines;

namespace Generation.Benchmarks;

/// <summary>What <see cref="DiffusionBenchmark"/> measures, and how.</summary>
internal sealed record DiffusionOptions
{
    /// <summary>What <see cref="Parts"/> may name.</summary>
    public static IReadOnlyList<string> AllParts { get; } =
    ["kernels", "step", "vae", .. Workload.All.Select(workload => workload.ToString())];

    /// <summary>The parts that are measured; none: all.</summary>
    public required IReadOnlyList<string> Parts { get; init; }

    /// <summary>Measured for each of these in turn.</summary>
    public required IReadOnlyList<InstructionBound> Bounds { get; init; }

    /// <summary>The engines beside ours.</summary>
    public required IReadOnlyList<EngineCommand> Others { get; init; }

    /// <summary>How often each engine has its turn.</summary>
    public required int Rounds { get; init; }

    public required int Threads { get; init; }

    public bool Wants(string part) => Parts.Count == 0 || Parts.Contains(part);

    /// <summary>The sets that a list such as "avx2,avx512" names; the largest that this machine has for null.</summary>
    public static IReadOnlyList<InstructionBound> ParseBounds(string? list) =>
        list is null
            ? [InstructionBound.All.Last(bound => bound.IsAvailable)]
            : [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Parse)];

    private static InstructionBound Parse(string name) =>
        InstructionBound.All.FirstOrDefault(bound => bound.Name == name)
        ?? throw new FormatException($"'{name}' is no set of instructions: {string.Join(", ", InstructionBound.All)}.");
}
