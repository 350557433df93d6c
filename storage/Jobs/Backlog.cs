namespace Generation.Storage;

/// <summary>
/// How many jobs of each model wait, at a cost that does not grow with them. Up to a limit all are counted. Beyond it the
/// number in all comes from the accounts, which know it, and each model's share of it from a sample of the table's pages;
/// a model of which few wait is still counted.
/// </summary>
internal static class Backlog
{
    /// <summary>All are counted where no more than so many wait; the sample is as large.</summary>
    public const int CountLimit = 100_000;

    /// <summary>Common table expressions, the last of them waiting (model, queued, oldest, seconds, known). Before: running (model, running).</summary>
    /// <param name="limit">Parameter: <see cref="CountLimit"/>; a hundredth of it is what counts as few. In SQL's integer.</param>
    public static string Sql(string limit) => $"""
        -- Null where the table is too small to hold so many: a row takes more than 80 bytes
        backlog AS MATERIALIZED (
            SELECT CASE WHEN pg_relation_size('outbox') > {limit} * 80 THEN
                (SELECT sum(open_jobs) FROM accounts) - (SELECT coalesce(sum(running), 0) FROM running) END AS jobs),
        part AS MATERIALIZED (
            SELECT jobs, CASE WHEN jobs > {limit} THEN 100.0 * {limit} / jobs ELSE 100 END::real AS percent FROM backlog),
        sample AS MATERIALIZED (
            -- The same pages each time, so that figures do not jump
            SELECT model, count(*) AS queued, min(enqueued_at) AS oldest, coalesce(sum(seconds), 0) AS seconds, count(seconds) AS known
            FROM outbox TABLESAMPLE SYSTEM ((SELECT percent FROM part)) REPEATABLE (1) GROUP BY model),
        waited AS (
            -- Steps through the index from model to model
            (SELECT model FROM outbox, part WHERE part.percent < 100 AND dispatched_at IS NULL ORDER BY model LIMIT 1)
            UNION ALL
            SELECT (SELECT o.model FROM outbox o WHERE o.dispatched_at IS NULL AND o.model > waited.model ORDER BY o.model LIMIT 1)
            FROM waited WHERE waited.model IS NOT NULL),
        few AS MATERIALIZED (
            SELECT waited.model, f.*, f.queued < {limit} / 100 AS are_all FROM waited, LATERAL (
                SELECT count(*) AS queued, min(enqueued_at) AS oldest, coalesce(sum(seconds), 0) AS seconds, count(seconds) AS known FROM (
                    (SELECT o.enqueued_at, o.seconds FROM outbox o WHERE o.model = waited.model AND o.dispatched_at IS NOT NULL)
                    UNION ALL
                    -- In the index's order, or all that are not of the model would be looked at
                    (SELECT o.enqueued_at, o.seconds FROM outbox o WHERE o.model = waited.model AND o.dispatched_at IS NULL
                        ORDER BY o.account_id, o.priority DESC, o.enqueued_at, o.job_id LIMIT {limit} / 100)) AS own) AS f
            WHERE waited.model IS NOT NULL),
        rest AS MATERIALIZED (
            SELECT (part.jobs - coalesce(sum(few.queued) FILTER (WHERE few.are_all), 0))
                / nullif(sum(sample.queued) FILTER (WHERE NOT few.are_all), 0) AS for_one
            FROM part, few LEFT JOIN sample USING (model) GROUP BY part.jobs),
        eldest AS (
            -- Ids sort by the time of submission
            SELECT model, min(enqueued_at) AS oldest FROM (
                SELECT o.model, o.enqueued_at FROM outbox o, part WHERE part.percent < 100 ORDER BY o.job_id LIMIT 1000) AS front GROUP BY model),
        waiting AS (
            SELECT model, queued, oldest, seconds, known FROM sample, part WHERE part.percent = 100
            UNION ALL
            SELECT model, queued, oldest, seconds, known FROM few WHERE are_all
            UNION ALL
            SELECT model, greatest(few.queued, (sample.queued * for_one)::bigint), least(eldest.oldest, few.oldest, sample.oldest),
                greatest(few.seconds, sample.seconds * for_one::double precision), greatest(few.known, (sample.known * for_one)::bigint)
            FROM few CROSS JOIN rest LEFT JOIN sample USING (model) LEFT JOIN eldest USING (model) WHERE NOT are_all)
        """;
}
