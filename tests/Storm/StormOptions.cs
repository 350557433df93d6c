namespace Generation.Storm;

/// <summary>How large a storm is.</summary>
public sealed record StormOptions
{
    /// <summary>How many jobs are submitted.</summary>
    public int Jobs { get; init; } = 100_000;

    /// <summary>How many faults happen meanwhile, spread over the jobs; each kind as often as the others.</summary>
    public int Faults { get; init; } = 200;

    /// <summary>After so long there are no more faults and jobs; null: it takes the time that it takes.</summary>
    public TimeSpan? Limit { get; init; }

    /// <summary>The same order of faults for the same seed.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How many clients submit, poll and fetch, each one job after another.</summary>
    public int Clients { get; init; } = 64;

    /// <summary>How long RabbitMQ stays away.</summary>
    public TimeSpan BrokerOutage { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long other faults last, beside the time until all is back.</summary>
    public TimeSpan Outage { get; init; } = TimeSpan.FromSeconds(3);
}

/// <summary>What a storm left behind. All counts but those of jobs are 0 where all is right.</summary>
public sealed record StormReport
{
    /// <summary>How long it took.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Jobs that were acknowledged.</summary>
    public required long Jobs { get; init; }

    /// <summary>Jobs by the state in which they ended.</summary>
    public required IReadOnlyDictionary<string, long> States { get; init; }

    /// <summary>How often each kind of fault happened.</summary>
    public required IReadOnlyDictionary<string, int> Faults { get; init; }

    /// <summary>Acknowledged jobs that are not there, for a poll or in the database.</summary>
    public required long Lost { get; init; }

    /// <summary>Jobs that did not end.</summary>
    public required long Stuck { get; init; }

    /// <summary>Submissions that became more than one job.</summary>
    public required long Doubled { get; init; }

    /// <summary>Jobs that were charged more than once, or otherwise than their row says.</summary>
    public required long ChargedTwice { get; init; }

    /// <summary>Jobs with outputs that were not charged, and jobs without that were, but for those that were cancelled.</summary>
    public required long DeliveredUncharged { get; init; }

    /// <summary>Books, balances and holds that do not add up, and holds and outbox rows that are left.</summary>
    public required long LedgerErrors { get; init; }

    /// <summary>Outputs whose file has another hash than is told, or is another picture than the same request makes afterwards.</summary>
    public required long WrongOutputs { get; init; }

    /// <summary>Answers that should not be: an end that the database does not have, a status that is a fault of the server's.</summary>
    public required long Contradictions { get; init; }

    /// <summary>Jobs that failed; a storm gives each as many attempts as it needs.</summary>
    public required long Failed { get; init; }

    /// <summary>Outputs that were fetched and compared.</summary>
    public required long Outputs { get; init; }

    /// <summary>How long after the end of a dead worker's lease each of its jobs began again.</summary>
    public required IReadOnlyList<TimeSpan> Restarts { get; init; }

    /// <summary>How long after Redis was wiped the first right answer to a poll came.</summary>
    public required IReadOnlyList<TimeSpan> FirstPolls { get; init; }

    /// <summary>What was wrong, in words; the first of it.</summary>
    public required IReadOnlyList<string> Complaints { get; init; }

    /// <summary>Whether nothing was lost, stuck, doubled, charged wrongly, or otherwise wrong.</summary>
    public bool IsRight =>
        Lost + Stuck + Doubled + ChargedTwice + DeliveredUncharged + LedgerErrors + WrongOutputs + Contradictions + Failed == 0;

    /// <summary>The value below which that share of the values lies; zero where there are none.</summary>
    public static TimeSpan Quantile(IReadOnlyList<TimeSpan> values, double share) =>
        values.Count == 0 ? TimeSpan.Zero : values.Order().ElementAt((int)Math.Ceiling(share * values.Count) - 1);

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join(
            '\n',
            [
                $"{Jobs} jobs ({string.Join(", ", States.Select(state => $"{state.Value} {state.Key}"))}), {Elapsed.TotalMinutes:0.0} min",
                $"lost {Lost}, stuck {Stuck}, doubled {Doubled}, failed {Failed}, contradictions {Contradictions}",
                $"charged twice {ChargedTwice}, delivered uncharged {DeliveredUncharged}, ledger errors {LedgerErrors}",
                $"wrong outputs {WrongOutputs} of {Outputs}",
                $"restarts after a lease's end: {Restarts.Count}, p99 {Quantile(Restarts, 0.99).TotalSeconds:0.00} s",
                $"first right polls after a wipe of Redis: {FirstPolls.Count}, at most {Quantile(FirstPolls, 1).TotalSeconds:0.00} s",
                $"{Faults.Values.Sum()} faults: {string.Join(", ", Faults.Select(fault => $"{fault.Key} {fault.Value}"))}",
                .. Complaints,
            ]
        );
}
