using System.Collections.Concurrent;
using System.Diagnostics;
using Generation.Contracts;
using Generation.Hosting.Servers;
using StackExchange.Redis;
using IServer = Generation.Hosting.Servers.IServer;

namespace Generation.Storm;

/// <summary>A kind of fault: what happens, until all is back.</summary>
internal sealed record StormFault(string Name, Func<CancellationToken, Task> RunAsync);

/// <summary>All that may go wrong with a stack from outside, and how soon it recovers.</summary>
internal sealed class StormFaults(StormStack storm, StormLoad load, StormOptions options)
{
    private const int SigCont = 18;
    private const int SigStop = 19;

    /// <summary>How many jobs are polled after each wipe of Redis.</summary>
    private const int Polled = 4;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>By then a job that lost its worker has begun again, or it is counted as having taken so long.</summary>
    private static readonly TimeSpan RestartLimit = TimeSpan.FromMinutes(2);

    private readonly Random _random = new(options.Seed);
    private readonly ConcurrentQueue<TimeSpan> _restarts = new();
    private readonly ConcurrentQueue<TimeSpan> _firstPolls = new();

    public IReadOnlyList<TimeSpan> Restarts => [.. _restarts];

    public IReadOnlyList<TimeSpan> FirstPolls => [.. _firstPolls];

    /// <summary>So many faults: all kinds in one order, then in another, and so on.</summary>
    public IEnumerable<StormFault> Sequence()
    {
        StormFault[] kinds =
        [
            new("kill api", token => KillAsync("api", token)),
            new("kill worker", token => LoseWorkerAsync(worker => storm.Stack.ProcessOf(worker).KillAsync(token), token)),
            new("kill postgres", token => KillServerAsync(storm.Servers.Direct.Postgres, token)),
            new("kill redis", token => KillServerAsync(storm.Servers.Direct.Redis, token)),
            new("kill rabbitmq", token => KillServerAsync(storm.Servers.Direct.RabbitMq, token)),
            new("stop worker beyond its lease", StopWorkerAsync),
            new("stop api", token => StopAsync("api", () => Task.Delay(options.Outage, token))),
            new("broker away", token => RestartAsync(storm.Servers.Direct.RabbitMq, options.BrokerOutage, token)),
            new("redis wiped", WipeRedisAsync),
            new("postgres restarted", token => RestartAsync(storm.Servers.Direct.Postgres, TimeSpan.Zero, token)),
            new(storm.HasDisk ? "disk full" : "store away (for disk full)", token => DuringAsync(storm.FillDiskAsync, token)),
            new(storm.HasDisk ? "store read-only" : "store away (for read-only)", token =>
                DuringAsync(storm.MakeStoreReadOnlyAsync, token)
            ),
            new("connections cut", token => AtAProxyAsync(proxy => CutAsync(proxy, reset: false, token))),
            new("connections reset", token => AtAProxyAsync(proxy => CutAsync(proxy, reset: true, token))),
            new("connections stalled", token => AtAProxyAsync(proxy => StallAsync(proxy, token))),
        ];
        for (int i = 0; i < options.Faults; i++)
        {
            if (i % kinds.Length == 0)
            {
                _random.Shuffle(kinds);
            }

            yield return kinds[i % kinds.Length];
        }
    }

    private async Task KillAsync(string process, CancellationToken token)
    {
        await storm.Stack.ProcessOf(process).KillAsync(token);
        await BringBackAsync(token);
    }

    private async Task KillServerAsync(IServer server, CancellationToken token)
    {
        await server.KillAsync(token);
        await BringBackAsync(token);
    }

    private async Task RestartAsync(IServer server, TimeSpan outage, CancellationToken token)
    {
        await server.StopAsync(token);
        await Task.Delay(outage, token);
        await BringBackAsync(token);
    }

    private async Task BringBackAsync(CancellationToken token) => await storm.Stack.UpAsync(null, token);

    private async Task StopAsync(string process, Func<Task> meanwhile)
    {
        ManagedProcess stopped = storm.Stack.ProcessOf(process);
        stopped.Signal(SigStop);
        try
        {
            await meanwhile();
        }
        finally
        {
            stopped.Signal(SigCont);
        }
    }

    /// <summary>A worker stands still until its leases are over, and then goes on with what others have taken up.</summary>
    private Task StopWorkerAsync(CancellationToken token)
    {
        string worker = AWorker();
        return StopAsync(worker, () => WatchRestartsAsync(worker, TimeSpan.FromSeconds(StormStack.LeaseSeconds + 3), token));
    }

    private async Task LoseWorkerAsync(Func<string, Task> lose, CancellationToken token)
    {
        string worker = AWorker();
        await lose(worker);
        await Task.WhenAll(WatchRestartsAsync(worker, TimeSpan.Zero, token), BringBackAsync(token));
    }

    private string AWorker() => storm.Workers[_random.Next(storm.Workers.Count)];

    /// <summary>
    /// Waits until each job that a lost worker ran has begun again, and keeps how long after the end of its lease that was.
    /// </summary>
    private async Task WatchRestartsAsync(string worker, TimeSpan least, CancellationToken token)
    {
        long since = Stopwatch.GetTimestamp();
        Dictionary<Guid, (long Epoch, DateTime Until)> lost = (
            await storm.Database.RowsAsync(
                "SELECT id, lease_epoch, lease_until FROM jobs WHERE worker_id = $1 AND state = job_state('running')",
                [worker],
                row => (Id: row.GetGuid(0), Lease: (row.GetInt64(1), row.GetDateTime(2))),
                token
            )
        ).ToDictionary(job => job.Id, job => job.Lease);
        while (lost.Count > 0 && Stopwatch.GetElapsedTime(since) < RestartLimit)
        {
            await Task.Delay(Look, token);
            foreach (
                (Guid id, long epoch, bool isOver, DateTime now) in await storm.Database.RowsAsync(
                    """
                    SELECT id, lease_epoch, state NOT IN (job_state('running'), job_state('queued')), clock_timestamp()
                    FROM jobs WHERE id = ANY ($1)
                    """,
                    [lost.Keys.ToArray()],
                    row => (row.GetGuid(0), row.GetInt64(1), row.GetBoolean(2), row.GetDateTime(3)),
                    token
                )
            )
            {
                if (epoch > lost[id].Epoch)
                {
                    TimeSpan took = now - lost[id].Until;
                    _restarts.Enqueue(took > TimeSpan.Zero ? took : TimeSpan.Zero);
                    lost.Remove(id);
                }
                else if (isOver)
                {
                    // It ended in the moment in which its worker was lost
                    lost.Remove(id);
                }
            }
        }

        foreach (Guid _ in lost.Keys)
        {
            _restarts.Enqueue(RestartLimit);
        }

        TimeSpan left = least - Stopwatch.GetElapsedTime(since);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, token);
        }
    }

    /// <summary>Wipes Redis, and keeps how long it took until polls were right: no older than before, no newer than after.</summary>
    private async Task WipeRedisAsync(CancellationToken token)
    {
        IReadOnlyList<JobId> jobs = load.Newest(Polled);
        await using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(
            storm.Servers.Direct.Redis.ConnectionString + ",allowAdmin=true"
        );
        long since = Stopwatch.GetTimestamp();
        await redis.GetServers()[0].FlushAllDatabasesAsync();
        await Task.WhenAll(jobs.Select(job => PollRightAsync(job, since, token)));
    }

    private async Task PollRightAsync(JobId job, long since, CancellationToken token)
    {
        while (true)
        {
            (JobState state, long revision) before = await StateAsync(job, token);
            JobState? polled = await load.PollAsync(job, token);
            TimeSpan took = Stopwatch.GetElapsedTime(since);
            (JobState state, long revision) after = await StateAsync(job, token);
            if (polled == before.state || polled == after.state || (polled is not null && after.revision > before.revision + 1))
            {
                _firstPolls.Enqueue(took);
                return;
            }
        }
    }

    private async Task<(JobState State, long Revision)> StateAsync(JobId job, CancellationToken token) =>
        (
            await storm.Database.RowsAsync(
                "SELECT state, revision FROM jobs WHERE id = $1",
                [job.Value],
                row => ((JobState)row.GetInt16(0), row.GetInt64(1)),
                token
            )
        ).Single();

    private async Task DuringAsync(Func<CancellationToken, Task<IAsyncDisposable>> begin, CancellationToken token)
    {
        await using (await begin(token))
        {
            await Task.Delay(options.Outage, token);
        }

        await BringBackAsync(token);
    }

    /// <summary>At the connections to one of the servers, or at those of the API's clients.</summary>
    private async Task AtAProxyAsync(Func<FaultyProxy, Task> fault)
    {
        FaultyProxy[] proxies = [.. storm.Servers.Proxies.Select(server => server.Proxy), storm.ApiProxy];
        await fault(proxies[_random.Next(proxies.Length)]);
        await BringBackAsync(CancellationToken.None);
    }

    private async Task CutAsync(FaultyProxy proxy, bool reset, CancellationToken token)
    {
        // Some times, as those that were cut come back
        for (int i = 0; i < 5; i++)
        {
            proxy.Cut(reset);
            await Task.Delay(options.Outage / 5, token);
        }
    }

    private async Task StallAsync(FaultyProxy proxy, CancellationToken token)
    {
        using (proxy.Stall())
        {
            await Task.Delay(2 * options.Outage, token);
        }
    }
}
