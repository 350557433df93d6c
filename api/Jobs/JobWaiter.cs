using System.Runtime.CompilerServices;
using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Api.Jobs;

/// <summary>Watches jobs change: Redis tells of changes, and a look every second finds those that it missed.</summary>
internal sealed class JobWaiter(HotState hotState, JobViews views)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>Waits until the job has ended, or for <paramref name="limit"/>; returns whether it has ended.</summary>
    public async Task<bool> WaitForEndAsync(JobId id, Guid account, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timer.CancelAfter(limit);
        try
        {
            await foreach (JobView? view in WatchAsync(id, account, timer.Token))
            {
                if (view?.State.IsFinal() == true)
                {
                    return true;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The time is up
        }

        return false;
    }

    /// <summary>
    /// The job now, and after each change, until it has ended or is gone. Null: nothing has changed for a second.
    /// </summary>
    public async IAsyncEnumerable<JobView?> WatchAsync(JobId id, Guid account, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var changed = new SemaphoreSlim(0, 1);
        await using IAsyncDisposable subscription = await hotState.SubscribeAsync(id, Signal, cancellationToken);
        string? known = null;
        while (await views.FindAsync(id, account, cancellationToken) is { } view)
        {
            yield return view.ETag == known ? null : view;
            if (view.State.IsFinal())
            {
                break;
            }

            known = view.ETag;
            await changed.WaitAsync(Look, cancellationToken);
        }

        void Signal()
        {
            try
            {
                if (changed.CurrentCount == 0)
                {
                    changed.Release();
                }
            }
            catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
            {
                // Two signals at once, or one after the end: both say nothing new
            }
        }
    }
}
