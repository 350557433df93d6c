using Generation.Benchmarks.Engines;
using Generation.Kernels;
using Generation.Kernels.Peaks;

namespace Generation.Benchmarks;

/// <summary>
/// Operations a second (a multiply-add counts twice) of the processor's multiply-add instructions over all threads, measured in this run.
/// </summary>
/// <param name="BySet">For each set that the processor has: float32 with AVX2 and AVX-512, products of bfloat16 beyond.</param>
internal sealed record Peaks(IReadOnlyDictionary<InstructionSet, double> BySet)
{
    public static Peaks Measure(Report report)
    {
        var measured = new Dictionary<InstructionSet, double>();
        foreach (InstructionBound bound in InstructionBound.All.Where(bound => bound.Set > InstructionSet.Baseline))
        {
            string name = $"peak_{bound}";
            bool products = bound.Set >= InstructionSet.Avx512Bf16;
            double peak =
                !bound.IsAvailable ? 0
                : products ? NativeKernels.Peak(bound.Set, 1)
                : MultiplyAddPeak.Measure(bound.Set, 1);
            if (peak > 0)
            {
                measured[bound.Set] = peak;
                report.Add(
                    name,
                    peak / 1e9,
                    "GFLOP/s",
                    note: $"multiply-adds of {(products ? "bfloat16" : "float32")} in registers, {ThreadTeam.Threads} threads"
                );
            }
            else
            {
                report.Skip(
                    name,
                    bound.IsAvailable
                        ? "the library that measures it was not built: it takes g++"
                        : "this processor does not have it, or may not use it"
                );
            }
        }

        return new Peaks(measured);
    }

    /// <summary>The fastest multiply-adds for numbers of this type within the set; 0 where none were measured.</summary>
    public double Of(string type, InstructionSet within) =>
        BySet
            .Where(one => one.Key <= within && (type == "bf16" || one.Key < InstructionSet.Avx512Bf16))
            .Select(one => one.Value)
            .DefaultIfEmpty(0)
            .Max();
}
