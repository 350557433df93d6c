using System.Globalization;
using Generation.Diffusion.Families.StableDiffusion;
using Generation.Diffusion.Pipelines;
using Generation.Torch;

namespace Generation.Benchmarks;

/// <summary>Many pictures of the demo model in one process: memory stays, and no tensor is left over.</summary>
internal static class MemoryBenchmark
{
    // by then the methods in use have been compiled for good
    private const int WarmUp = 300;

    public static void Run(Report report, int pictures)
    {
        var pipeline = StableDiffusionPipeline.FromPretrained(Path.Combine(Repository.Root, "models", "demo"));
        for (int i = 0; i < WarmUp; i++)
        {
            Make(pipeline, i);
        }

        Settle();
        long tensors = TorchExtras.LiveTensors;
        double before = ResidentMiB();
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        for (int i = 0; i < pictures; i++)
        {
            Make(pipeline, i);
        }

        double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
        Settle();
        double grown = ResidentMiB() - before;
        report.Add(
            "memory_growth",
            grown,
            "MiB",
            1,
            grown,
            $"resident memory after {pictures} pictures, beyond {before:0.0} MiB after {WarmUp} to warm up; at most 1"
        );
        report.Add(
            "live_tensors_growth",
            TorchExtras.LiveTensors - tensors,
            "tensors",
            0,
            note: $"{tensors} before and {TorchExtras.LiveTensors} after"
        );
        report.Add("demo_picture", seconds / pictures, "s", note: "64x64, 4 steps");
    }

    private static void Make(StableDiffusionPipeline pipeline, int seed)
    {
        using PictureBatch batch = pipeline.Generate(
            new Text2ImgSettings
            {
                Prompt = "a red apple on a blue background",
                Width = 64,
                Height = 64,
                NumInferenceSteps = 4,
                GuidanceScale = 4,
                Seed = seed,
            }
        );
    }

    private static void Settle()
    {
        for (int i = 0; i < 3; i++)
        {
            // gives the heap's free pages back: on processors with large caches .NET lets garbage grow to hundreds of MiB before it
            // collects
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        TorchRuntime.ReleaseMemory();
    }

    private static double ResidentMiB()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
