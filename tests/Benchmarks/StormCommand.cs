using Generation.Storm;

namespace Generation.Benchmarks;

/// <summary>`bench storm`: many jobs through a stack of their own while everything that can go wrong does.</summary>
internal static class StormCommand
{
    /// <summary>Runs it; returns the exit code: 0 where all was right.</summary>
    public static async Task<int> RunAsync(Report report, StormOptions options, CancellationToken cancellationToken)
    {
        StormReport storm = await StormRun.RunAsync(options, new Progress(Console.Error), cancellationToken);
        report.Add("storm_jobs", storm.Jobs, "jobs", note: string.Join(", ", storm.States.Select(state => $"{state.Value} {state.Key}")));
        report.Add(
            "storm_faults",
            storm.Faults.Values.Sum(),
            "faults",
            note: string.Join(", ", storm.Faults.Select(fault => $"{fault.Key} {fault.Value}"))
        );
        report.Add("storm_time", storm.Elapsed.TotalMinutes, "min");
        report.Add("storm_lost", storm.Lost, "jobs", 0);
        report.Add("storm_stuck", storm.Stuck, "jobs", 0);
        report.Add("storm_doubled", storm.Doubled, "jobs", 0);
        report.Add("storm_charged_twice", storm.ChargedTwice, "jobs", 0);
        report.Add("storm_delivered_uncharged", storm.DeliveredUncharged, "jobs", 0);
        report.Add("storm_ledger_errors", storm.LedgerErrors, "errors", 0);
        report.Add("storm_wrong_outputs", storm.WrongOutputs, "outputs", 0, note: $"of {storm.Outputs} that were fetched");
        report.Add("storm_contradictions", storm.Contradictions, "answers", 0);
        report.Add("storm_failed", storm.Failed, "jobs", 0);
        Times("storm_restart", storm.Restarts, 0.99, 5, "after the end of a lost worker's lease, p99");
        Times("storm_first_poll", storm.FirstPolls, 1, 2, "first right poll after a wipe of Redis, the slowest");
        foreach (string complaint in storm.Complaints)
        {
            await Console.Error.WriteLineAsync(complaint);
        }

        return storm.IsRight ? 0 : 1;

        void Times(string name, IReadOnlyList<TimeSpan> values, double share, double promised, string what) =>
            report.Add(
                name,
                StormReport.Quantile(values, share).TotalSeconds,
                "s",
                promised,
                note: $"{what}, of {values.Count}; median {StormReport.Quantile(values, 0.5).TotalSeconds:0.00} s"
            );
    }

    private sealed class Progress(TextWriter output) : IProgress<string>
    {
        public void Report(string value) => output.WriteLine($"{DateTime.UtcNow:HH:mm:ss} {value}");
    }
}
