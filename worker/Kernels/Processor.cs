using System.Runtime.Intrinsics.X86;

namespace Generation.Kernels;

/// <summary>Sets of processor instructions that kernels are written for, each of which contains the ones before it.</summary>
public enum InstructionSet
{
    /// <summary>What every processor has; there are no kernels of ours for it.</summary>
    Baseline,

    /// <summary>AVX2 with fused multiply-add: eight float32 numbers per instruction.</summary>
    Avx2,

    /// <summary>AVX-512 (F, BW, DQ, VL): sixteen float32 numbers per instruction.</summary>
    Avx512,

    /// <summary>AVX-512 with AVX512_BF16: products of pairs of bfloat16 numbers.</summary>
    Avx512Bf16,

    /// <summary>AMX: products of bfloat16 tiles of sixteen rows.</summary>
    AmxBf16,
}

/// <summary>The instructions that this machine's processor has, and those that may be used.</summary>
public static class Processor
{
    /// <summary>
    /// The environment variable that limits the instructions of all kernels: baseline, avx2, avx512, avx512_bf16 or amx_bf16.
    /// </summary>
    public const string Variable = "GENERATION_MAX_ISA";

    /// <summary>
    /// The environment variable that turns our own kernels off where it is 0, so that libtorch computes everything, for comparison.
    /// </summary>
    public const string KernelsVariable = "GENERATION_KERNELS";

    /// <summary>Whether our own kernels may run at all.</summary>
    public static bool KernelsAllowed { get; } = Environment.GetEnvironmentVariable(KernelsVariable) != "0";

    /// <summary>The largest set that <see cref="Variable"/> allows; an unknown name sets no limit.</summary>
    public static InstructionSet Allowed { get; } =
        Environment.GetEnvironmentVariable(Variable) switch
        {
            "baseline" => InstructionSet.Baseline,
            "avx2" => InstructionSet.Avx2,
            "avx512" => InstructionSet.Avx512,
            "avx512_bf16" => InstructionSet.Avx512Bf16,
            _ => InstructionSet.AmxBf16,
        };

    /// <summary>Whether kernels in C# may use AVX2 with fused multiply-add.</summary>
    public static bool HasAvx2 { get; } = Allowed >= InstructionSet.Avx2 && Avx2.IsSupported && Fma.IsSupported;

    /// <summary>Whether kernels in C# may use AVX-512.</summary>
    public static bool HasAvx512 { get; } =
        Allowed >= InstructionSet.Avx512
        && HasAvx2
        && Avx512F.IsSupported
        && Avx512BW.IsSupported
        && Avx512DQ.IsSupported
        && Avx512F.VL.IsSupported;

    // "GenuineIntel" begins so
    internal static bool IsIntel { get; } = X86Base.IsSupported && X86Base.CpuId(0, 0).Ebx == 0x756e6547;

    /// <summary>
    /// The largest set for products of bfloat16 that the processor reports, whether it may be used or not, or
    /// <see cref="InstructionSet.Baseline"/>. It tells what a machine misses where the kernels for it were not built.
    /// </summary>
    internal static InstructionSet BFloat16Products { get; } = FindBFloat16Products();

    /// <summary>
    /// Whether the processor multiplies bfloat16 faster than float32, and may: by AMX, or by AVX512_BF16 where that is faster. On Intel's
    /// processors it is not: one such instruction takes as long as four multiply-adds of half as many numbers (vdpbf16ps 70 GFLOP/s per
    /// core, float32 140, on a processor with AMX), and libtorch's bfloat16 layers take 1.2 to 3 times as long as our float32 kernels over
    /// the same numbers.
    /// </summary>
    public static bool HasBFloat16Products { get; } =
        HasAvx512
        && (
            (Allowed >= InstructionSet.AmxBf16 && BFloat16Products == InstructionSet.AmxBf16)
            || (Allowed >= InstructionSet.Avx512Bf16 && BFloat16Products >= InstructionSet.Avx512Bf16 && !IsIntel)
        );

    /// <summary>The largest set that kernels in C# have on this processor and may use: AVX-512, AVX2 or none.</summary>
    public static InstructionSet Vectors { get; } =
        HasAvx512 ? InstructionSet.Avx512
        : HasAvx2 ? InstructionSet.Avx2
        : InstructionSet.Baseline;

    private static InstructionSet FindBFloat16Products()
    {
        // Intel's and AMD's manuals, CPUID leaf 7: AMX-BF16 and AMX-TILE are bits 22 and 24 of EDX, AVX512_BF16 is bit 5 of EAX in subleaf
        // 1
        const int AmxBits = (1 << 22) | (1 << 24),
            Avx512Bf16Bit = 1 << 5;
        if (!X86Base.IsSupported || !Avx512F.IsSupported || X86Base.CpuId(0, 0).Eax < 7)
        {
            return InstructionSet.Baseline;
        }

        (int subleaves, _, _, int edx) = X86Base.CpuId(7, 0);
        return (edx & AmxBits) == AmxBits ? InstructionSet.AmxBf16
            : subleaves >= 1 && (X86Base.CpuId(7, 1).Eax & Avx512Bf16Bit) != 0 ? InstructionSet.Avx512Bf16
            : InstructionSet.Baseline;
    }

    /// <summary>Returns the set of kernels in C# that belongs to <paramref name="set"/>, AVX-512 or AVX2.</summary>
    /// <exception cref="PlatformNotSupportedException">The processor does not have it, or may not use it.</exception>
    internal static InstructionSet Require(InstructionSet set)
    {
        InstructionSet vectors = set > InstructionSet.Avx512 ? InstructionSet.Avx512 : set;
        return vectors != InstructionSet.Baseline && vectors <= Vectors
            ? vectors
            : throw new PlatformNotSupportedException(
                $"kernels for {set} do not run here: the most that this processor has, or may use, is {Vectors}"
            );
    }
}
