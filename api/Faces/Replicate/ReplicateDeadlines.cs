using System.Globalization;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Faces;
using Generation.Storage.Jobs;

namespace Generation.Api.Faces.Replicate;

/// <summary>
/// Cancels predictions whose Cancel-After is over while they run; a native job has a time limit for its wait only. The deadlines are kept
/// in Redis by the minute in which they lie, and every API process looks there: one of them is enough. If Redis forgets them, a prediction
/// is cancelled when somebody asks for it.
/// </summary>
internal sealed class ReplicateDeadlines(FaceMemory memory, JobStore jobs, TimeProvider time, ILogger<ReplicateDeadlines> logger)
    : BackgroundService
{
    private const int Minute = 60;

    /// <summary>After a start, deadlines of so many minutes are made up for.</summary>
    private const int MadeUp = 60;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KeptAfter = TimeSpan.FromHours(2);

    /// <summary>Jobs whose deadline was dealt with, of the minutes that are still looked at.</summary>
    private readonly HashSet<string> _done = [];

    /// <summary>Notes when a job is to be cancelled.</summary>
    public Task AddAsync(JobId job, Guid account, DateTimeOffset deadline, CancellationToken cancellationToken) =>
        memory.KeepAsync(
            KeyOf(MinuteOf(deadline)),
            new Dictionary<string, byte[]>
            {
                [job.ToString()] = FaceMemory.Bytes(
                    string.Create(CultureInfo.InvariantCulture, $"{account:N} {deadline.ToUnixTimeSeconds()}")
                ),
            },
            deadline - time.GetUtcNow() + KeptAfter,
            cancellationToken
        );

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        long from = MinuteOf(time.GetUtcNow()) - MadeUp;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                long now = MinuteOf(time.GetUtcNow());
                for (long minute = from; minute <= now; minute++)
                {
                    await EndAsync(minute, stoppingToken);
                }

                if (from < now - 1)
                {
                    // The minute before is looked at once more: it may not have been over
                    from = now - 1;
                    _done.Clear();
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                ApiLog.LoopFailed(logger, e, "Ending predictions in time", Look.TotalSeconds);
            }
            catch (OperationCanceledException)
            {
                // The program ends
            }

            await Task.Delay(Look, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task EndAsync(long minute, CancellationToken cancellationToken)
    {
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        foreach (
            (string name, byte[] value) in await memory.FindAsync(KeyOf(minute), cancellationToken) ?? new Dictionary<string, byte[]>()
        )
        {
            if (
                !_done.Contains(name)
                && JobId.TryParse(name, null, out JobId job)
                && FaceMemory.Text(value).Split(' ') is [var account, var deadline]
                && Guid.TryParseExact(account, "N", out Guid owner)
                && long.TryParse(deadline, NumberStyles.None, CultureInfo.InvariantCulture, out long at)
                && at <= now
            )
            {
                CancelResult result = await jobs.CancelAsync(job, owner, cancellationToken);
                ApiLog.Cancelled(logger, job, result.Outcome.ToString());
                _done.Add(name);
            }
        }
    }

    private static long MinuteOf(DateTimeOffset time) => time.ToUnixTimeSeconds() / Minute;

    private static string KeyOf(long minute) => string.Create(CultureInfo.InvariantCulture, $"replicate:deadlines:{minute}");
}
