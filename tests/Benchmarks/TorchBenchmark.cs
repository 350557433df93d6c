using System.Diagnostics;
using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Benchmarks;

/// <summary>What a call costs from C# over the same call from C++: at most a microsecond.</summary>
internal static class TorchBenchmark
{
    private const int Calls = 100_000;

    public static void Run(Report report)
    {
        using IDisposable mode = inference_mode();
        using Tensor a = ones(4);
        using Tensor b = ones(4);
        using Tensor square = ones(4, 4);
        Compare(report, "add", () => Disposed(() => a + b), () => Scoped(() => a + b), () => NativeBenchmark.Additions(a, b, Calls));
        Compare(report, "transpose", () => Disposed(() => square.transpose(0, 1)), () => Scoped(() => square.transpose(0, 1)), () => NativeBenchmark.Transpositions(square, Calls));
    }

    private static void Compare(Report report, string name, Func<double> disposed, Func<double> scoped, Func<double> native)
    {
        double own = double.PositiveInfinity, inScope = double.PositiveInfinity, inside = double.PositiveInfinity;
        for (int round = 0; round < 9; round++)
        {
            own = Math.Min(own, disposed());
            inScope = Math.Min(inScope, scoped());
            inside = Math.Min(inside, native());
        }

        report.Add($"call_{name}", own, "ns", inside, own / inside, "C#, each result disposed, against a C++ loop");
        report.Add($"call_{name}_in_scope", inScope, "ns", inside, inScope / inside, "C#, results released by a scope of 100");
        report.Add($"call_{name}_overhead", Math.Max(own, inScope) - inside, "ns", 1000, (Math.Max(own, inScope) - inside) / 1000, "what C# adds to a call, against one microsecond");
    }

    // nanoseconds a call
    private static double Disposed(Func<Tensor> call)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Calls; i++)
        {
            call().Dispose();
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Calls;
    }

    private static double Scoped(Func<Tensor> call)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Calls / 100; i++)
        {
            using var scope = NewDisposeScope();
            for (int k = 0; k < 100; k++)
            {
                call();
            }
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Calls;
    }
}
