using System.Reflection;
using System.Runtime.InteropServices;
using Generation.Torch;

namespace Generation.Benchmarks;

/// <summary>
/// The native calls of some work, recorded by native/replay.cpp and made once more from a C++ loop, with tensors of its own: the same
/// operations without C#.
/// </summary>
internal sealed partial class Replay
{
    private const string Recorder = "generation_torch_replay";

    private Replay(long calls, long expected)
    {
        Calls = calls;
        Expected = expected;
    }

    /// <summary>Calls on the tape.</summary>
    public long Calls { get; }

    /// <summary>Calls that the work made, as the library itself counts them: a replay is whole only where these are as many.</summary>
    public long Expected { get; }

    public bool IsWhole => Calls == Expected;

    /// <summary>Puts the recorder in the library's place; to be called before anything else of it.</summary>
    public static void Install()
    {
        nint recorder = NativeLibrary.Load(Recorder, Assembly.GetExecutingAssembly(), DllImportSearchPath.AssemblyDirectory);
        NativeLibrary.SetDllImportResolver(typeof(TorchExtras).Assembly, (name, _, _) => name == "generation_torch" ? recorder : 0);
    }

    /// <summary>Records what <paramref name="work"/> calls. It must dispose of all tensors that it makes.</summary>
    public static Replay Of(Action work)
    {
        long recorded = 0;
        long own = 0;
        IReadOnlyList<(string Name, int Calls, double Seconds)> operations = NativeBenchmark.Operations(() =>
        {
            replay_record();
            work();
            recorded = replay_stop(out own);
        });
        return new Replay(recorded, operations.Sum(one => one.Calls) - own);
    }

    /// <summary>
    /// Seconds of <paramref name="work"/>, and of its calls from C++. Both take turns piece by piece, some hundredths of a second each, in half
    /// of the rounds the one first and in half the other. A piece's time is its median over these rounds: a machine that others use
    /// changes its speed, or stands still, from one moment to the next.
    /// </summary>
    /// <param name="work">What was recorded.</param>
    /// <param name="rounds">Of the work twice and of its calls twice.</param>
    public (double Managed, double Replayed) Against(Action work, int rounds)
    {
        if (!IsWhole)
        {
            throw new InvalidOperationException($"The tape has {Calls} of {Expected} calls: native/replay.cpp does not know all functions that were called.");
        }

        replay_run();
        var (managed, replayed) = (0.0, 0.0);
        foreach (bool tapeFirst in new[] { false, true })
        {
            (double[] Managed, double[] Replayed)[] all = [.. Enumerable.Range(0, rounds).Select(_ => Turns(work, tapeFirst))];
            for (int piece = 0; piece < all[0].Managed.Length; piece++)
            {
                managed += Clock.Median([.. all.Select(one => one.Managed[piece])]) / 2;
                replayed += Clock.Median([.. all.Select(one => one.Replayed[piece])]) / 2;
            }
        }

        return (managed, replayed);
    }

    private static (double[] Managed, double[] Replayed) Turns(Action work, bool tapeFirst)
    {
        turns_begin(tapeFirst ? 1 : 0);
        work();
        var (managed, replayed) = (new double[turns_count()], new double[turns_count()]);
        turns_end(managed, replayed);
        return (managed, replayed);
    }

    [LibraryImport(Recorder)]
    private static partial void replay_record();

    [LibraryImport(Recorder)]
    private static partial long replay_stop(out long own);

    [LibraryImport(Recorder)]
    private static partial void replay_run();

    [LibraryImport(Recorder)]
    private static partial void turns_begin(int tapeFirst);

    [LibraryImport(Recorder)]
    private static partial long turns_count();

    [LibraryImport(Recorder)]
    private static partial void turns_end(Span<double> program, Span<double> replay);
}
