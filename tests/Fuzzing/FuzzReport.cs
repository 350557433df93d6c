namespace Generation.Fuzzing;

/// <summary>What a run of a fuzzer found.</summary>
/// <param name="Name">What was tried.</param>
/// <param name="Inputs">How many inputs.</param>
/// <param name="Refused">How many of them were refused as wrong.</param>
/// <param name="Faults">What should not have happened: at most <see cref="MaxFaults"/>, each with what it takes to see it again.</param>
public sealed record FuzzReport(string Name, long Inputs, long Refused, IReadOnlyList<string> Faults)
{
    /// <summary>So many faults are kept.</summary>
    public const int MaxFaults = 50;

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Name}: {Inputs} inputs, {Refused} refused, {Faults.Count} faults{string.Concat(Faults.Select(fault => "\n  " + fault))}";
}
