using System.Collections.Concurrent;
using Generation.Torch;
using Microsoft.Extensions.Options;

namespace Generation.Service.Rendering;

/// <summary>
/// The threads that compute, one for each slot, which live as long as the process: the tensor library keeps a pool of threads for every
/// thread that calls it, and dispose scopes belong to one thread.
/// </summary>
internal sealed class ComputeThreads : IDisposable
{
    private readonly ComputeThread[] _all;
    private readonly ConcurrentQueue<ComputeThread> _free;
    private readonly SemaphoreSlim _count;
    private readonly ComputeThread _side;

    public ComputeThreads(IOptions<WorkerOptions> options)
    {
        int slots = options.Value.Slots;
        int threads = options.Value.Threads > 0 ? options.Value.Threads : Math.Max(1, Environment.ProcessorCount / slots);
        Threads = threads;
        _all = [.. Enumerable.Range(0, slots).Select(k => new ComputeThread($"compute {k}", threads))];
        _free = new ConcurrentQueue<ComputeThread>(_all);
        _count = new SemaphoreSlim(slots);
        _side = new ComputeThread("prepare", threads);
    }

    /// <summary>The number of threads that one computation uses.</summary>
    public int Threads { get; }

    /// <summary>Rents a thread, which is the caller's alone until the turn is disposed.</summary>
    public async Task<ComputeTurn> RentAsync(CancellationToken cancellationToken)
    {
        await _count.WaitAsync(cancellationToken);
        return _free.TryDequeue(out ComputeThread? thread) ? new ComputeTurn(thread, () =>
            {
                _free.Enqueue(thread);
                _count.Release();
            }) : throw new InvalidOperationException("A compute thread was counted that is not there.");
    }

    /// <summary>
    /// Runs short work beside what the slots compute, such as encoding the next job's prompt, and holds <paramref name="turn"/> meanwhile.
    /// </summary>
    public async Task<T> PrepareAsync<T>(Func<T> work, SemaphoreSlim turn, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            return await _side.RunAsync(work);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose()
    {
        _side.Dispose();
        foreach (ComputeThread thread in _all)
        {
            thread.Dispose();
        }

        _count.Dispose();
    }
}

/// <summary>A compute thread that a job has rented.</summary>
internal sealed class ComputeTurn(ComputeThread thread, Action giveBack) : IDisposable
{
    // As much as most jobs need again
    private const long KeptBytes = 1L << 30;

    private int _givenBack;

    /// <summary>Runs <paramref name="work"/> on the thread.</summary>
    public Task<T> RunAsync<T>(Func<T> work) => thread.RunAsync(work);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _givenBack, 1) == 0)
        {
            giveBack();
            TorchRuntime.ReleaseMemory(KeptBytes);
        }
    }
}

/// <summary>A thread that runs the work it is given, in order.</summary>
internal sealed class ComputeThread : IDisposable
{
    private static int _computing;

    private readonly BlockingCollection<Action> _work = [];
    private readonly int _threads;

    public ComputeThread(string name, int threads)
    {
        _threads = threads;
        // In the background: at a shutdown a native call that lasts too long must not hold the process
        new Thread(Loop) { Name = name, IsBackground = true }.Start();
    }

    /// <summary>Whether any thread of the process is computing, including threads that nobody waits for any more.</summary>
    public static bool IsAnyComputing => Volatile.Read(ref _computing) > 0;

    public Task<T> RunAsync<T>(Func<T> work)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                result.SetResult(work());
            }
            catch (OperationCanceledException e)
            {
                result.SetCanceled(e.CancellationToken);
            }
            catch (Exception e)
            {
                result.SetException(e);
            }
        });
        return result.Task;
    }

    public void Dispose() => _work.CompleteAdding();

    private void Loop()
    {
        TorchRuntime.Threads = _threads;
        foreach (Action work in _work.GetConsumingEnumerable())
        {
            Interlocked.Increment(ref _computing);
            work();
            Interlocked.Decrement(ref _computing);
        }
    }
}
