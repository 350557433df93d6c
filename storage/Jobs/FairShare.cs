namespace Generation.Storage;

/// <summary>
/// Which waiting jobs go next: start-time fair queueing (Goyal, Vin and Cheng, 1996) between accounts, by weight; within
/// an account by priority, then by age. An account's k-th job starts at its served time + (k - 1) / weight, the least
/// start goes first, and an account that comes back from idling starts at the model's clock: it neither has saved up
/// nor owes anything.
/// </summary>
internal static class FairShare
{
    /// <summary>
    /// $1 model, $2 how many, $3 running jobs of an account without a limit of its own (null: any). Marks the chosen as sent
    /// and moves the clocks. Run it under the model's lock: two at once would read the same clocks.
    /// </summary>
    public const string TakeSql = """
        WITH RECURSIVE active AS (
            -- Steps through the index from account to account, and never through an account's jobs
            (SELECT account_id FROM outbox WHERE model = $1 AND dispatched_at IS NULL ORDER BY account_id LIMIT 1)
            UNION ALL
            SELECT (SELECT o.account_id FROM outbox o
                WHERE o.model = $1 AND o.dispatched_at IS NULL AND o.account_id > active.account_id
                ORDER BY o.account_id LIMIT 1)
            FROM active WHERE active.account_id IS NOT NULL),
        clock AS (
            SELECT coalesce((SELECT served FROM fair_shares
                WHERE model = $1 AND account_id = '00000000-0000-0000-0000-000000000000'), 0) AS now),
        accounts_now AS (
            SELECT a.id, a.weight, clock.now,
                greatest(coalesce(f.served, clock.now), clock.now) AS served,
                CASE WHEN coalesce((a.limits ->> 'running_jobs')::int, $3) IS NULL THEN $2
                    ELSE least($2, coalesce((a.limits ->> 'running_jobs')::int, $3)
                        - (SELECT count(*) FROM jobs WHERE state = 1 AND account_id = a.id)
                        - (SELECT count(*) FROM outbox WHERE account_id = a.id AND dispatched_at IS NOT NULL))
                    END AS room
            FROM active JOIN accounts a ON a.id = active.account_id CROSS JOIN clock
                LEFT JOIN fair_shares f ON f.model = $1 AND f.account_id = a.id),
        candidates AS (
            SELECT job.job_id, now.id AS account_id, now.weight,
                now.served + (job.place - 1)::double precision / now.weight AS start
            FROM accounts_now now CROSS JOIN LATERAL (
                SELECT o.job_id, row_number() OVER (ORDER BY o.priority DESC, o.enqueued_at, o.job_id) AS place
                FROM outbox o
                WHERE o.model = $1 AND o.account_id = now.id AND o.dispatched_at IS NULL
                ORDER BY o.priority DESC, o.enqueued_at, o.job_id
                LIMIT greatest(now.room, 0)) AS job),
        chosen AS (
            SELECT * FROM candidates ORDER BY start, account_id LIMIT $2),
        taken AS (
            UPDATE outbox SET dispatched_at = now() FROM chosen
            WHERE outbox.job_id = chosen.job_id AND outbox.dispatched_at IS NULL
                AND (outbox.expires_at IS NULL OR outbox.expires_at > now())
            RETURNING outbox.job_id, outbox.trace, chosen.account_id, chosen.start, chosen.weight),
        clocks AS (
            INSERT INTO fair_shares (model, account_id, served)
            SELECT $1, account_id, max(start + 1.0 / weight) FROM taken GROUP BY account_id
            UNION ALL
            SELECT $1, '00000000-0000-0000-0000-000000000000', max(start) FROM taken HAVING count(*) > 0
            ON CONFLICT (model, account_id) DO UPDATE SET served = greatest(fair_shares.served, excluded.served))
        SELECT job_id, trace FROM taken ORDER BY start, job_id
        """;

    /// <summary>
    /// $1 the job. Its place in this order, as far as it can be known: its rank within its account, and of each other
    /// account the jobs that get their turn before; with the seconds that those ahead are expected to run, how many of
    /// them that is known of, and its own.
    /// </summary>
    public const string PositionSql = """
        WITH RECURSIVE me AS (
            SELECT o.*, a.weight FROM outbox o JOIN accounts a ON a.id = o.account_id WHERE o.job_id = $1),
        active AS (
            (SELECT o.account_id FROM outbox o, me WHERE o.model = me.model AND o.dispatched_at IS NULL ORDER BY o.account_id LIMIT 1)
            UNION ALL
            SELECT (SELECT o.account_id FROM outbox o
                WHERE o.model = me.model AND o.dispatched_at IS NULL AND o.account_id > active.account_id
                ORDER BY o.account_id LIMIT 1)
            FROM active, me WHERE active.account_id IS NOT NULL),
        accounts_now AS (
            SELECT account_id FROM active WHERE account_id IS NOT NULL
            UNION
            SELECT o.account_id FROM outbox o, me WHERE o.model = me.model AND o.dispatched_at IS NOT NULL),
        own AS (
            -- Those that are sent and those that are not each have an index of their own
            SELECT count(*) AS ahead, count(seconds) AS known, coalesce(sum(seconds), 0) AS seconds FROM (
                (SELECT o.seconds FROM outbox o, me WHERE o.model = me.model AND o.account_id = me.account_id AND o.dispatched_at IS NOT NULL
                    AND (o.priority > me.priority
                        OR (o.priority = me.priority AND (o.enqueued_at, o.job_id) < (me.enqueued_at, me.job_id))))
                UNION ALL
                (SELECT o.seconds FROM outbox o, me WHERE o.model = me.model AND o.account_id = me.account_id AND o.dispatched_at IS NULL
                    AND (o.priority > me.priority
                        OR (o.priority = me.priority AND (o.enqueued_at, o.job_id) < (me.enqueued_at, me.job_id)))
                    LIMIT 100000)) AS few),
        others AS (
            SELECT coalesce(sum(few.ahead), 0) AS ahead, coalesce(sum(few.known), 0) AS known, coalesce(sum(few.seconds), 0) AS seconds
            FROM me, own, accounts_now now JOIN accounts a ON a.id = now.account_id, LATERAL (
                SELECT (own.ahead * a.weight / me.weight) + CASE WHEN me.dispatched_at IS NULL THEN 1 ELSE 0 END AS most) AS turns, LATERAL (
                SELECT count(*) AS ahead, count(turn.seconds) AS known, sum(turn.seconds) AS seconds FROM (
                    SELECT both_kinds.seconds FROM (
                        (SELECT o.seconds, 0 AS kind FROM outbox o
                            WHERE o.model = me.model AND o.account_id = a.id AND o.dispatched_at IS NOT NULL LIMIT turns.most)
                        UNION ALL
                        (SELECT o.seconds, 1 FROM outbox o WHERE o.model = me.model AND o.account_id = a.id AND o.dispatched_at IS NULL
                            ORDER BY o.priority DESC, o.enqueued_at, o.job_id LIMIT turns.most)) AS both_kinds
                    ORDER BY both_kinds.kind LIMIT turns.most) AS turn) AS few
            WHERE a.id <> me.account_id)
        SELECT (1 + own.ahead + others.ahead)::bigint, (own.known + others.known)::bigint, own.seconds + others.seconds, me.seconds
        FROM me, own, others
        """;
}
