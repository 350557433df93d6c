using Generation.Contracts;
using Generation.Storage;

namespace Generation.Api;

/// <summary>Waits for jobs to change: Redis tells, and a look every second makes up for what it does not.</summary>
internal sealed class JobWaiter(HotState hotState, JobViews views, TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>Returns when the job has ended, or after <paramref name="limit"/>; whether it has.</summary>
    public async Task<bool> WaitForEndAsync(JobId id, Guid account, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var changed = new SemaphoreSlim(0, 1);
        await using IAsyncDisposable subscription = await hotState.SubscribeAsync(id, Signal, cancellationToken);
        long start = time.GetTimestamp();
        while (true)
        {
            JobView? view = await views.FindAsync(id, account, cancellationToken);
            if (view is null || view.State.IsFinal())
            {
                return view is not null;
            }

            TimeSpan left = limit - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            await changed.WaitAsync(left < Look ? left : Look, cancellationToken);
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
