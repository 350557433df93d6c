using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Generation.Kernels;

/// <summary>
/// Runs the pieces of a kernel on several threads. Where libtorch is in the process these are the threads of its own OpenMP runtime, called
/// through <c>GOMP_parallel</c>, because a second set of threads would compete with those that libtorch keeps spinning. Otherwise they are
/// those of .NET's thread pool.
/// </summary>
public static unsafe class ThreadTeam
{
    private const long NumbersPerRun = 32768;

    private static nint s_parallel;
    private static int s_threads = Environment.ProcessorCount;

    /// <summary>
    /// The number of threads that one kernel uses; it is libtorch's own number where it is in the process (<c>torch.set_num_threads</c>).
    /// </summary>
    public static int Threads
    {
        get => s_threads;
        set => s_threads = Math.Max(1, value);
    }

    /// <summary>The address of libtorch's <c>GOMP_parallel</c>, for kernels in C++; 0 where there is none.</summary>
    public static nint Parallel => s_parallel;

    /// <summary>
    /// Finds the OpenMP runtime that libtorch has brought into this process; to be called once libtorch is loaded. libtorch's copy has a
    /// name of its own, so it is looked for among the libraries that are mapped.
    /// </summary>
    /// <returns>Whether it was found; otherwise pieces run on .NET's thread pool.</returns>
    public static bool UseOpenMp()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        string? path = File.ReadLines("/proc/self/maps")
            .Select(static line => line.IndexOf('/', StringComparison.Ordinal) is int at and >= 0 ? line[at..] : "")
            .FirstOrDefault(static file => Path.GetFileName(file).StartsWith("libgomp", StringComparison.Ordinal));
        return path is not null
            && NativeLibrary.TryLoad(path, out nint library)
            && NativeLibrary.TryGetExport(library, "GOMP_parallel", out s_parallel);
    }

    /// <summary>
    /// Calls <paramref name="body"/> for each piece of 0 .. <paramref name="pieces"/> once, on any thread and in any order, and returns
    /// when all are done. Threads take the next piece when they are ready for it, so pieces of different cost balance. The first exception
    /// that a piece throws is thrown here, once all threads have stopped.
    /// </summary>
    public static void For(long pieces, Action<long> body)
    {
        int threads = (int)Math.Min(pieces, Threads);
        if (threads <= 1)
        {
            for (long i = 0; i < pieces; i++)
            {
                body(i);
            }

            return;
        }

        var work = new Work(pieces, body);
        if (s_parallel == 0)
        {
            System.Threading.Tasks.Parallel.For(0, threads, _ => work.Run());
        }
        else
        {
            var handle = GCHandle.Alloc(work);
            try
            {
                ((delegate* unmanaged<delegate* unmanaged<nint, void>, nint, uint, uint, void>)s_parallel)(
                    &RunOnThread,
                    GCHandle.ToIntPtr(handle),
                    (uint)Threads,
                    0
                );
            }
            finally
            {
                handle.Free();
            }
        }

        work.ThrowIfFailed();
    }

    /// <summary>
    /// Divides rows among threads where there are enough of them, because a second thread costs some microseconds. Calls
    /// <paramref name="body"/> with ranges (begin, end) of <paramref name="rows"/> rows, on any thread and in any order. The ranges depend
    /// on nothing but the number of rows and their size.
    /// </summary>
    public static void ForRows(long rows, long numbersPerRow, Action<long, long> body)
    {
        long run = Math.Max(1, NumbersPerRun / Math.Max(1, numbersPerRow));
        For((rows + run - 1) / run, piece => body(piece * run, Math.Min(rows, (piece + 1) * run)));
    }

    [UnmanagedCallersOnly]
    private static void RunOnThread(nint work) => ((Work)GCHandle.FromIntPtr(work).Target!).Run();

    private sealed class Work(long pieces, Action<long> body)
    {
        private long _next;
        private ExceptionDispatchInfo? _failure;

        public void Run()
        {
            try
            {
                for (
                    long i = Interlocked.Increment(ref _next) - 1;
                    i < pieces && _failure is null;
                    i = Interlocked.Increment(ref _next) - 1
                )
                {
                    body(i);
                }
            }
#pragma warning disable CA1031 // no exception may cross the native frames between the threads
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            }
        }

        public void ThrowIfFailed() => _failure?.Throw();
    }
}
