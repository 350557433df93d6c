using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Generation.Kernels;

/// <summary>The kernels in C++ (Native/), for instructions that .NET does not have: products of bfloat16 by AVX512_BF16 and AMX.</summary>
public static class NativeKernels
{
    private const string FasterInFloat32 = "bfloat16 is computed in float32, which this processor multiplies faster than by AVX512_BF16";

    // What computes where these kernels do not
    private static string Otherwise =>
        Processor.HasBFloat16Products || Processor.Vectors == InstructionSet.Baseline
            ? "bfloat16 runs on libtorch's own kernels"
            : "bfloat16 is computed in float32";

    private static string Neither => $"{Otherwise}: this processor has neither AMX nor AVX512_BF16.";

    static NativeKernels() => (Instructions, Sentence) = Find();

    /// <summary>
    /// The largest set that the library has kernels for, the processor has and the settings allow; <see cref="InstructionSet.Baseline"/>
    /// for none.
    /// </summary>
    public static InstructionSet Instructions { get; }

    /// <summary>
    /// Whether these kernels are used. Where the processor multiplies float32 faster than bfloat16, kernels in C# are faster for bfloat16,
    /// too.
    /// </summary>
    public static bool IsAvailable => Instructions != InstructionSet.Baseline && Processor.HasBFloat16Products;

    /// <summary>A sentence for people: which kernels run, or why none do.</summary>
    public static string Sentence { get; }

    /// <summary>
    /// Measures the operations per second (a multiply-add counts twice) of the processor's multiply-adds of bfloat16 in registers, over all
    /// threads: the bound that kernels are compared with.
    /// </summary>
    /// <param name="instructions"><see cref="InstructionSet.Avx512Bf16"/> or <see cref="InstructionSet.AmxBf16"/>.</param>
    /// <param name="seconds">How long to measure, in seconds; the best of short runs counts.</param>
    /// <returns>Operations per second; 0 where the processor does not have the instructions.</returns>
    public static double Peak(InstructionSet instructions, double seconds)
    {
        if (instructions > Instructions || instructions < InstructionSet.Avx512Bf16)
        {
            return 0;
        }

        NativeMethods.Team team = NativeMethods.Team.Whole;
        double best = 0;
        long rounds = 1 << 12;
        for (long start = Stopwatch.GetTimestamp(); best == 0 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; )
        {
            long begun = Stopwatch.GetTimestamp();
            double operations = NativeMethods.gk_peak_run(rounds, team, instructions);
            double taken = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            // a run of some milliseconds: what the machine does when nobody else is at it
            if (taken < 0.004)
            {
                rounds *= 2;
            }
            else
            {
                best = Math.Max(best, operations / taken);
            }
        }

        return best;
    }

    private static (InstructionSet, string) Find()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return (InstructionSet.Baseline, $"{Otherwise}: kernels for AMX and AVX512_BF16 are for Linux on x86-64.");
        }

        InstructionSet has;
        try
        {
            if (NativeMethods.gk_version() != NativeMethods.Version)
            {
                return (InstructionSet.Baseline, $"{Otherwise}: lib{NativeMethods.Library}.so is of another version; build again.");
            }

            has = NativeMethods.gk_instructions(InstructionSet.AmxBf16);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return (
                InstructionSet.Baseline,
                (Processor.BFloat16Products, Processor.IsIntel) switch
                {
                    (InstructionSet.Baseline, _) => Neither,
                    (InstructionSet.Avx512Bf16, true) => $"{FasterInFloat32}.",
                    (var products, _) =>
                        $"{Otherwise}: kernels for {(products == InstructionSet.AmxBf16 ? "AMX" : "AVX512_BF16")} were left out, since "
                            + "there was "
                            + "no C++ compiler when this was built; apt install g++ and build again.",
                }
            );
        }

        InstructionSet allowed = NativeMethods.gk_instructions(Processor.Allowed);
        string bound = allowed < has ? $" ({Processor.Variable} allows no more)" : "";
        return (
            allowed,
            allowed switch
            {
                InstructionSet.AmxBf16 => "bfloat16 runs on AMX kernels.",
                InstructionSet.Avx512Bf16 when Processor.HasBFloat16Products => $"bfloat16 runs on AVX512_BF16 kernels{bound}.",
                InstructionSet.Avx512Bf16 => $"{FasterInFloat32}{bound}.",
                _ when has != InstructionSet.Baseline => $"{Otherwise}{bound}.",
                _ => Neither,
            }
        );
    }
}
