using Generation.Contracts;

namespace Generation.Storm;

/// <summary>Looks at the database when a storm is over: what is there, what was charged, and whether the books add up.</summary>
internal sealed class StormAudit(StormDatabase database)
{
    private const string Doubled = "SELECT count(*) FROM (SELECT FROM jobs GROUP BY metadata ->> 'storm' HAVING count(*) > 1) AS keys";

    private const string Stuck = "SELECT count(*) FROM jobs WHERE state IN (job_state('queued'), job_state('running'))";

    private const string Failed = "SELECT count(*) FROM jobs WHERE state IN (job_state('failed'), job_state('expired'))";

    private const string States = "SELECT job_state_name(state), count(*) FROM jobs GROUP BY state ORDER BY 2 DESC";

    /// <summary>More than one charge, or another sum than the job's row has.</summary>
    private const string ChargedTwice = """
        SELECT count(*) FROM jobs LEFT JOIN (
            SELECT job_id, count(*) AS charges, -sum(amount) AS amount FROM ledger_lines
            WHERE entry = ledger_entry('charge') AND book = ledger_book('held') GROUP BY job_id) AS paid ON paid.job_id = jobs.id
        WHERE coalesce(charges, 0) > 1 OR coalesce(paid.amount, 0) <> jobs.charged
        """;

    /// <summary>Outputs without their whole price, and a price without outputs but where the owner cancelled.</summary>
    private const string DeliveredUncharged = """
        SELECT count(*) FROM jobs LEFT JOIN (SELECT job_id, count(*) AS files FROM job_outputs GROUP BY job_id) AS made ON job_id = id
        WHERE (coalesce(files, 0) > 0 AND (state <> job_state('succeeded') OR charged <> cost OR charged = 0))
            OR (state = job_state('succeeded') AND coalesce(files, 0) = 0)
            OR (state IN (job_state('failed'), job_state('expired')) AND charged <> 0)
        """;

    private static readonly (string Name, string Sql)[] Books =
    [
        (
            "movements that do not add up to nothing",
            "SELECT count(*) FROM (SELECT FROM ledger_lines GROUP BY movement HAVING sum(amount) <> 0) AS m"
        ),
        (
            "accounts whose balance or hold is not what their lines say",
            """
            SELECT count(*) FROM accounts LEFT JOIN (
                SELECT account_id, coalesce(sum(amount) FILTER (WHERE book = ledger_book('available')), 0) AS available,
                    coalesce(sum(amount) FILTER (WHERE book = ledger_book('held')), 0) AS held
                FROM ledger_lines GROUP BY account_id) AS line ON line.account_id = accounts.id
            WHERE accounts.balance <> coalesce(line.available, 0) OR accounts.held <> coalesce(line.held, 0)
            """
        ),
        ("accounts that still hold something, or count open jobs", "SELECT count(*) FROM accounts WHERE held <> 0 OR open_jobs <> 0"),
        (
            "revenue that is not what jobs were charged",
            """
            SELECT count(*) FROM (SELECT 1) AS one
            WHERE coalesce((SELECT sum(amount) FROM ledger_lines WHERE book = ledger_book('revenue')), 0)
                <> (SELECT coalesce(sum(charged), 0) FROM jobs)
            """
        ),
        ("rows left in the outbox", "SELECT count(*) FROM outbox"),
    ];

    /// <summary>Completes a report with what the database says.</summary>
    public async Task<StormReport> CompleteAsync(StormReport report, IReadOnlyCollection<StormJob> jobs, CancellationToken token)
    {
        var complaints = new List<string>(report.Complaints);
        long ledger = 0;
        foreach ((string name, string sql) in Books)
        {
            long found = await database.CountAsync(sql, token);
            ledger += found;
            if (found > 0)
            {
                complaints.Add($"{found} {name}");
            }
        }

        IReadOnlyDictionary<Guid, JobState> there = await StatesAsync([.. jobs.Select(job => job.Id.Value)], token);
        long lost = jobs.Count(job => !there.ContainsKey(job.Id.Value));
        long contradictions = jobs.Count(job =>
            job.State is { } told && there.TryGetValue(job.Id.Value, out JobState state) && state != told
        );
        return report with
        {
            States = await ByStateAsync(token),
            Lost = report.Lost + lost,
            Stuck = await database.CountAsync(Stuck, token),
            Doubled = await database.CountAsync(Doubled, token),
            ChargedTwice = await database.CountAsync(ChargedTwice, token),
            DeliveredUncharged = await database.CountAsync(DeliveredUncharged, token),
            LedgerErrors = ledger,
            Contradictions = report.Contradictions + contradictions,
            Failed = await database.CountAsync(Failed, token),
            Complaints = complaints,
        };
    }

    private async Task<IReadOnlyDictionary<string, long>> ByStateAsync(CancellationToken token) =>
        (await database.RowsAsync(States, [], row => (row.GetString(0), row.GetInt64(1)), token)).ToDictionary(s => s.Item1, s => s.Item2);

    private async Task<IReadOnlyDictionary<Guid, JobState>> StatesAsync(Guid[] ids, CancellationToken token) =>
        (
            await database.RowsAsync(
                "SELECT id, state FROM jobs WHERE id = ANY ($1)",
                [ids],
                row => (Id: row.GetGuid(0), State: (JobState)row.GetInt16(1)),
                token
            )
        ).ToDictionary(job => job.Id, job => job.State);
}
