using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Storage.Database;
using Generation.Storage.Workers;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Jobs;

public sealed partial class JobStore
{
    private static readonly RowsStatement<Submission> SubmitSql = new(
        "submit",
        [
            Column<Submission>.Of("id", NpgsqlDbType.Uuid, s => s.Job.Id.Value),
            Column<Submission>.Of("account_id", NpgsqlDbType.Uuid, s => s.Job.AccountId),
            Column<Submission>.Of("kind", NpgsqlDbType.Smallint, s => (short)s.Job.Request.Kind),
            Column<Submission>.Of("cost", NpgsqlDbType.Bigint, s => s.Job.Cost.Micros),
            Column<Submission>.Of("model", NpgsqlDbType.Text, s => s.Job.Request.Model),
            Column<Submission>.Of("request", NpgsqlDbType.Jsonb, s => s.Request),
            Column<Submission>.Of("render", NpgsqlDbType.Jsonb, s => Json(s.Job.Plan)),
            Column<Submission>.Of("priority", NpgsqlDbType.Integer, s => s.Job.Priority),
            Column<Submission>.Of("expires_in", NpgsqlDbType.Interval, s => s.Job.ExpiresIn),
            Column<Submission>.Of("metadata", NpgsqlDbType.Jsonb, s => s.Job.Metadata?.GetRawText()),
            Column<Submission>.Of("webhook_url", NpgsqlDbType.Text, s => s.Job.WebhookUrl),
            Column<Submission>.Of("webhook_events", NpgsqlDbType.Jsonb, s => Json(s.Job.WebhookEvents)),
            Column<Submission>.Of("max_queued", NpgsqlDbType.Integer, s => s.Job.MaxQueued),
            Column<Submission>.Of("key", NpgsqlDbType.Text, s => s.Job.Idempotency?.Key),
            Column<Submission>.Of("work", NpgsqlDbType.Double, s => s.Job.Plan?.Work),
            Column<Submission>.Of("seconds", NpgsqlDbType.Double, s => s.Job.ExpectedSeconds),
            Column<Submission>.Of("trace", NpgsqlDbType.Text, s => s.Job.Trace),
        ],
        ("dispatch", NpgsqlDbType.Text),
        ("live_for", NpgsqlDbType.Interval),
        ("running_limit", NpgsqlDbType.Integer)
    );

    private static readonly Statement SubmitKeysSql = new(
        "submit-keys",
        ("account_id", NpgsqlDbType.Array | NpgsqlDbType.Uuid),
        ("key", NpgsqlDbType.Array | NpgsqlDbType.Text),
        ("fingerprint", NpgsqlDbType.Array | NpgsqlDbType.Bytea),
        ("id", NpgsqlDbType.Array | NpgsqlDbType.Uuid),
        ("in_flight", NpgsqlDbType.Array | NpgsqlDbType.Interval)
    );

    private static readonly Statement SubmitUnusedKeysSql = new(
        "submit-unused-keys",
        ("account_id", NpgsqlDbType.Array | NpgsqlDbType.Uuid),
        ("key", NpgsqlDbType.Array | NpgsqlDbType.Text),
        ("id", NpgsqlDbType.Array | NpgsqlDbType.Uuid)
    );

    private static readonly Statement SubmitWebhooksSql = new("submit-webhooks", ("ids", NpgsqlDbType.Array | NpgsqlDbType.Uuid));

    /// <summary>
    /// submit -> queued: writes the job, the hold of its cost, its outbox row and its idempotency key, together or not at all.
    /// </summary>
    public async Task<SubmitResult> SubmitAsync(NewJob job, CancellationToken cancellationToken)
    {
        FaultPoint.Reach(FaultPoint.Submitting);
        SubmitResult result = await _submits.RunAsync(job, cancellationToken);
        if (result.Job is { } row)
        {
            FaultPoint.Reach(FaultPoint.Submitted);
            if (result.IsSent)
            {
                job.Send!.Begin(row);
            }
            else
            {
                _signal.Raise();
            }

            _hotState.Show(row);
        }

        return result;
    }

    private async Task<IReadOnlyList<SubmitResult>> SubmitAllAsync(IReadOnlyList<NewJob> jobs)
    {
        SubmitResult[] results = await SubmitTogetherAsync(jobs);
        for (int i = 0; jobs.Count > 1 && i < jobs.Count; i++)
        {
            // Together with others' only a yes is final
            if (results[i].Outcome != SubmitOutcome.Queued)
            {
                results[i] = (await SubmitTogetherAsync([jobs[i]]))[0];
            }
        }

        return results;
    }

    private async Task<SubmitResult[]> SubmitTogetherAsync(IReadOnlyList<NewJob> jobs)
    {
        await using var batch = new JobBatch(_pools.Submits);
        // Together only jobs of one model, whose lock they need
        string model = jobs[0].Request.Model;
        DirectSend? send = jobs.All(j => j.Send is not null && j.Request.Model == model) ? jobs[0].Send : null;
        batch.LockAccounts(jobs.Select(j => j.AccountId), send is null ? null : model);
        // What few jobs have is written by statements of its own: what one is able to do costs time, also where there is nothing to do
        NewJob[] keyed = [.. jobs.Where(j => j.Idempotency is not null)];
        Guid[] owners = [.. keyed.Select(j => j.AccountId)];
        string[] keys = [.. keyed.Select(j => j.Idempotency!.Key)];
        Guid[] ids = [.. keyed.Select(j => j.Id.Value)];
        if (keyed.Length > 0)
        {
            batch.Add(
                SubmitKeysSql.InBatch(
                    owners,
                    keys,
                    keyed.Select(j => j.Idempotency!.Fingerprint).ToArray(),
                    ids,
                    keyed.Select(j => j.Idempotency!.InFlight).ToArray()
                )
            );
        }

        Submission[] submissions = [.. jobs.Select(j => new Submission(j, Json(j.Request)!))];
        int answer = batch.Add(SubmitSql.InBatch(submissions, send is null ? null : model, WorkerRegistry.LiveFor, send?.RunningLimit));
        if (keyed.Length > 0)
        {
            batch.Add(SubmitUnusedKeysSql.InBatch(owners, keys, ids));
        }

        if (jobs.Any(j => j.WebhookUrl is not null))
        {
            batch.Add(SubmitWebhooksSql.InBatch(jobs.Select(j => j.Id.Value).ToArray()));
        }

        var results = new SubmitResult[jobs.Count];
        // An account that is not there can spend nothing
        Array.Fill(results, new SubmitResult(SubmitOutcome.InsufficientCredits, null, Credits.Zero));
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(answer);
        while (await reader.ReadAsync())
        {
            int i = (int)reader.GetInt64(0) - 1;
            var balance = new Credits(reader.GetInt64(3));
            results[i] = !reader.IsDBNull(4)
                ? new SubmitResult(SubmitOutcome.Queued, RowOf(submissions[i], reader), balance, IsSent: !reader.IsDBNull(6))
                : new SubmitResult(
                    reader.GetBoolean(1) ? SubmitOutcome.IdempotencyKeyUsed
                        : reader.GetBoolean(2) ? SubmitOutcome.TooManyQueued
                        : SubmitOutcome.InsufficientCredits,
                    null,
                    balance
                );
        }

        while (await reader.NextResultAsync())
        {
            // What comes after has no rows, but may have failed, and with it all of it
        }

        return results;
    }

    /// <summary>Makes the row that was just written, without reading back what was sent.</summary>
    private static JobRow RowOf(Submission submission, NpgsqlDataReader reader)
    {
        NewJob job = submission.Job;
        return new JobRow
        {
            Id = job.Id,
            AccountId = job.AccountId,
            Kind = job.Request.Kind,
            Model = job.Request.Model,
            State = JobState.Queued,
            Request = submission.Request,
            KnownRequest = job.Request,
            Plan = Json(job.Plan),
            KnownPlan = job.Plan,
            Priority = job.Priority,
            CreatedAt = reader.GetFieldValue<DateTimeOffset>(4),
            ExpiresAt = reader.IsDBNull(5) ? null : reader.GetFieldValue<DateTimeOffset>(5),
            Revision = 1,
            Cost = job.Cost,
            Metadata = job.Metadata,
            WebhookUrl = job.WebhookUrl,
            WebhookEvents = job.WebhookEvents?.ToArray(),
            ExpectedSeconds = job.ExpectedSeconds,
            // Behind those that are in the broker; how long they will run nobody has added up
            Place = reader.IsDBNull(6) ? null : new QueuePlace(reader.GetInt64(6) + 1, 0, 0, job.ExpectedSeconds),
        };
    }

    /// <summary>A job that is being submitted, with its request as it is written.</summary>
    private sealed record Submission(NewJob Job, string Request);
}
