using System.Globalization;
using Generation.Benchmarks.Engines;
using TorchSharp;

namespace Generation.Benchmarks;

/// <summary>
/// A guided step of Stable Diffusion 1.5 and a decode of its autoencoder, in float32 and bfloat16: against the processor's own speed and
/// against other engines, which take turns with ours in processes of their own, since the machine's speed moves.
/// </summary>
internal sealed class DiffusionBenchmark(Report report, DiffusionOptions options)
{
    public void Run()
    {
        var peaks = Peaks.Measure(report);
        if (options.Wants("kernels"))
        {
            using IDisposable mode = torch.inference_mode();
            new KernelBenchmark(report, peaks, torch.ScalarType.Float32).Run();
            new KernelBenchmark(report, peaks, torch.ScalarType.BFloat16).Run();
        }

        foreach (InstructionBound bound in options.Bounds)
        {
            foreach (
                Workload workload in Workload.All.Where(workload => options.Wants(workload.Name) || options.Wants(workload.ToString()))
            )
            {
                if (bound.IsAvailable)
                {
                    Measure(workload, bound, peaks.Of(workload.Type, bound.Set));
                }
                else
                {
                    report.Skip(NameOf(workload, bound), "this processor does not have these instructions, or may not use them: left out");
                }
            }
        }
    }

    private static string NameOf(Workload workload, InstructionBound bound) => $"{workload}_{bound}";

    private void Measure(Workload workload, InstructionBound bound, double peak)
    {
        string name = NameOf(workload, bound);
        workload.MakeCheckpoint();
        using var own = Engine.Start(EngineCommand.Own, workload, bound, options.Threads);
        var seconds = new List<double>();
        double? memoryBefore = null;
        // One beside ours at a time: two networks at once fit into most machines
        foreach (EngineCommand other in options.Others)
        {
            try
            {
                using var engine = Engine.Start(other, workload, bound, options.Threads);
                (double ours, double theirs) = Turns(own, engine, seconds);
                string remark = engine.Remark.Length == 0 ? "" : $"; it computes in {engine.Remark}";
                report.Add(
                    $"{name}_over_{other.Name}",
                    ours,
                    "s",
                    theirs,
                    theirs / ours,
                    $"ratio: the time of {other.Description} over ours, medians of {options.Rounds} turns{remark}"
                );
                memoryBefore = other.Name == EngineCommand.BeforeName ? engine.PeakMemory : memoryBefore;
            }
            catch (EngineException error)
            {
                report.Skip($"{name}_over_{other.Name}", $"{other.Description} did not run: {error.Message}");
            }
        }

        while (seconds.Count < options.Rounds)
        {
            seconds.Add(own.Run());
        }

        double median = Clock.Median(seconds);
        double ideal = workload.Operations / peak;
        report.Add(
            name,
            median,
            "s",
            peak > 0 ? ideal : null,
            peak > 0 ? ideal / median : null,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{workload.Description}; {workload.Operations / median / 1e9:0} GFLOP/s; ratio: the share of the multiply-add peak"
            )
        );
        report.Add(
            $"{name}_memory",
            own.PeakMemory,
            "MiB",
            memoryBefore,
            own.PeakMemory / memoryBefore,
            "the most that the process held, its beginning included"
        );
    }

    private (double Ours, double Theirs) Turns(Engine own, Engine other, List<double> all)
    {
        var ours = new List<double>();
        var theirs = new List<double>();
        for (int i = 0; i < options.Rounds; i++)
        {
            ours.Add(own.Run());
            theirs.Add(other.Run());
        }

        all.AddRange(ours);
        return (Clock.Median(ours), Clock.Median(theirs));
    }
}
