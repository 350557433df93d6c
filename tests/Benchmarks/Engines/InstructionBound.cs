using Generation.Kernels;

namespace Generation.Benchmarks.Engines;

/// <summary>A set of instructions that engines are held to, so that one machine shows what lesser ones do.</summary>
/// <param name="Set">The largest set that they may use.</param>
/// <param name="Name">As <see cref="Processor.Variable"/> spells it.</param>
internal sealed record InstructionBound(InstructionSet Set, string Name)
{
    /// <summary>All that are told apart, the least first.</summary>
    public static IReadOnlyList<InstructionBound> All { get; } =
    [
        new(InstructionSet.Baseline, "baseline"),
        new(InstructionSet.Avx2, "avx2"),
        new(InstructionSet.Avx512, "avx512"),
        new(InstructionSet.Avx512Bf16, "avx512_bf16"),
        new(InstructionSet.AmxBf16, "amx_bf16"),
    ];

    private static readonly string[] Flags = ReadFlags();

    /// <summary>Whether this machine's processor has these instructions, and this process may use them.</summary>
    public bool IsAvailable =>
        Set == InstructionSet.Baseline || (Set <= Processor.Allowed && Flags.Contains(Set == InstructionSet.Avx512 ? "avx512bw" : Name));

    /// <summary>
    /// The environment of a process that is held to the set, in each library's own words: our kernels, ATen, oneDNN, MKL, OpenBLAS and
    /// OpenVINO's
    /// own kernels (its oneDNN obeys the same variable as ours, and both must agree).
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment =>
        Set switch
        {
            InstructionSet.Baseline => Words("default", "SSE41", "SSE4_2", "Nehalem"),
            InstructionSet.Avx2 => Words("avx2", "AVX2", "AVX2", "Haswell"),
            InstructionSet.Avx512 => Words("avx512", "AVX512_CORE", "AVX512", "SkylakeX"),
            InstructionSet.Avx512Bf16 => Words("avx512", "AVX512_CORE_BF16", "AVX512", "Cooperlake"),
            _ => new Dictionary<string, string> { [Processor.Variable] = Name },
        };

    public override string ToString() => Name;

    private Dictionary<string, string> Words(string aten, string oneDnn, string mkl, string openBlas) =>
        new()
        {
            [Processor.Variable] = Name,
            ["ATEN_CPU_CAPABILITY"] = aten,
            ["ONEDNN_MAX_CPU_ISA"] = oneDnn,
            ["OV_CPU_MAX_ISA"] = oneDnn,
            ["MKL_ENABLE_INSTRUCTIONS"] = mkl,
            ["OPENBLAS_CORETYPE"] = openBlas,
        };

    private static string[] ReadFlags() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ') ?? [];
}
