using System.Globalization;
using static TorchSharp.torch;

namespace Generation.Benchmarks.Engines;

/// <summary>
/// The side of an engine that computes, in a process of its own: it makes the network, computes once to warm up and writes "ready"; then,
/// for
/// each line "run" that it reads, it computes once and writes the seconds that it took. It ends where its input ends.
/// </summary>
internal static class EngineHost
{
    public static void Run(Workload workload, TextReader orders, TextWriter answers)
    {
        using IDisposable mode = inference_mode();
        Action compute = workload.Prepare();
        compute();
        answers.WriteLine("ready");
        answers.Flush();
        while (orders.ReadLine() is "run")
        {
            answers.WriteLine(Clock.Once(compute).ToString(CultureInfo.InvariantCulture));
            answers.Flush();
        }
    }
}
