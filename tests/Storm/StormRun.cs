using System.Diagnostics;

namespace Generation.Storm;

/// <summary>Takes many jobs through a stack of their own while everything that can go wrong does, and looks at what is left.</summary>
public static class StormRun
{
    /// <summary>So many outputs are made once more when the storm is over, to compare them.</summary>
    private const int Compared = 200;

    /// <summary>Runs a storm.</summary>
    /// <param name="options">How large it is.</param>
    /// <param name="said">Takes each fault as it begins.</param>
    /// <param name="token">Ends it.</param>
    public static async Task<StormReport> RunAsync(StormOptions options, IProgress<string>? said, CancellationToken token)
    {
        await using StormStack storm = await StormStack.StartAsync(token);
        long since = Stopwatch.GetTimestamp();
        using var load = new StormLoad(new Uri($"http://127.0.0.1:{storm.ApiProxy.Port}"), storm.Stack.Key);
        var faults = new StormFaults(storm, load, options);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(token);
        Task jobs = load.RunAsync(options.Clients, end.Token);
        var happened = new Dictionary<string, int>();
        try
        {
            int each = options.Jobs / (options.Faults + 1);
            int number = 0;
            foreach (StormFault fault in faults.Sequence().TakeWhile(_ => !(Stopwatch.GetElapsedTime(since) > options.Limit)))
            {
                // Amid the jobs that come before the next fault
                load.Allow(each);
                await BegunAsync(load, (number * each) + Math.Min(options.Clients, each / 2), jobs, token);
                said?.Report($"{++number}/{options.Faults} {fault.Name}, {load.Ended} jobs have ended");
                happened[fault.Name] = happened.GetValueOrDefault(fault.Name) + 1;
                await fault.RunAsync(token);
            }

            load.End(number < options.Faults ? number * each : options.Jobs);
            await jobs;
        }
        finally
        {
            await end.CancelAsync();
            await jobs.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(since);
        IReadOnlyCollection<StormJob> made = load.Jobs;
        said?.Report("comparing outputs");
        int step = Math.Max(1, made.Count / Compared);
        foreach (StormJob job in made.Where(job => job.Sha256 is not null && job.Number % step == 0))
        {
            await load.CompareAsync(job, token);
        }

        var report = new StormReport
        {
            Elapsed = elapsed,
            Jobs = made.Count,
            States = new Dictionary<string, long>(),
            Faults = happened,
            Lost = load.Lost,
            Stuck = 0,
            Doubled = 0,
            ChargedTwice = 0,
            DeliveredUncharged = 0,
            LedgerErrors = 0,
            WrongOutputs = load.WrongOutputs,
            Contradictions = load.Contradictions,
            Failed = 0,
            Outputs = load.Outputs,
            Restarts = faults.Restarts,
            FirstPolls = faults.FirstPolls,
            Complaints = [.. load.Complaints],
        };
        return await new StormAudit(storm.Database).CompleteAsync(report, made, token);
    }

    private static async Task BegunAsync(StormLoad load, int jobs, Task all, CancellationToken token)
    {
        while (load.Begun < jobs && !all.IsCompleted)
        {
            await Task.Delay(20, token);
        }
    }
}
