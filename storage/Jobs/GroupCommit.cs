using System.Collections.Concurrent;
using Npgsql;

namespace Generation.Storage.Jobs;

/// <summary>
/// Group commit: calls that arrive together are written together. A call is run at once and alone while fewer than
/// <see cref="DedicatedPool.Width"/> transactions run, so that waiting for others costs no time where nothing is gained; one that arrives
/// while as many run is written, with all others that wait, in the transaction after them.
/// </summary>
/// <typeparam name="TItem">What one caller wants done.</typeparam>
/// <typeparam name="TResult">The answer to one caller.</typeparam>
/// <param name="run">Does all items of a list in one transaction, and returns the answers in the list's order.</param>
internal sealed class GroupCommit<TItem, TResult>(Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> run)
{
    /// <summary>The largest number of calls in one transaction; more are left to the next, so that each stays short.</summary>
    private const int Most = 64;

    /// <summary>How often a call is tried whose transaction was in a deadlock with another.</summary>
    private const int Tries = 5;

    private readonly ConcurrentQueue<Call> _waiting = new();
    private int _writers;

    /// <summary>
    /// Returns the answer to <paramref name="item"/>. Cancelling withdraws it while it waits; once it has begun its end is waited for, so
    /// that the caller knows what became of it.
    /// </summary>
    public async Task<TResult> RunAsync(TItem item, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var call = new Call(item);
        await using CancellationTokenRegistration registration = cancellationToken.Register(() => call.TakeBack(cancellationToken));
        _waiting.Enqueue(call);
        Begin();
        return await call.Answer.Task;
    }

    /// <summary>Starts a writer, unless there are as many as allowed.</summary>
    private void Begin()
    {
        int writers = Volatile.Read(ref _writers);
        while (writers < DedicatedPool.Width)
        {
            int seen = Interlocked.CompareExchange(ref _writers, writers + 1, writers);
            if (seen == writers)
            {
                _ = WorkAsync();
                return;
            }

            writers = seen;
        }
    }

    private async Task WorkAsync()
    {
        while (Take() is { Count: > 0 } calls)
        {
            await CarryOutAsync(calls);
        }

        Interlocked.Decrement(ref _writers);
        // A call that came between our last look and the line above started no writer
        if (!_waiting.IsEmpty)
        {
            Begin();
        }
    }

    private List<Call> Take()
    {
        var calls = new List<Call>();
        while (calls.Count < Most && _waiting.TryDequeue(out Call? call))
        {
            if (call.TryBegin())
            {
                calls.Add(call);
            }
        }

        return calls;
    }

    private async Task CarryOutAsync(List<Call> calls)
    {
        for (int i = 1; ; i++)
        {
            try
            {
                IReadOnlyList<TResult> results = await run([.. calls.Select(c => c.Item)]);
                for (int k = 0; k < calls.Count; k++)
                {
                    calls[k].Answer.TrySetResult(results[k]);
                }

                return;
            }
            catch (PostgresException e) when (calls.Count == 1 && e.SqlState == PostgresErrorCodes.DeadlockDetected && i < Tries)
            {
                // Rolled back so that others could go on; they have
            }
            catch (PostgresException) when (calls.Count > 1)
            {
                // The server said no, so nothing of it is written. Alone each learns whether it was at fault
                break;
            }
            catch (Exception e)
            {
                calls.ForEach(c => c.Answer.TrySetException(e));
                return;
            }
        }

        foreach (Call call in calls)
        {
            await CarryOutAsync([call]);
        }
    }

    private sealed class Call(TItem item)
    {
        private int _isTaken;

        public TItem Item => item;

        // A caller's own work must not run in the writer's place
        public TaskCompletionSource<TResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool TryBegin() => Interlocked.Exchange(ref _isTaken, 1) == 0;

        public void TakeBack(CancellationToken cancellationToken)
        {
            if (TryBegin())
            {
                Answer.TrySetCanceled(cancellationToken);
            }
        }
    }
}
