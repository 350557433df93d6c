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
    public static readonly string TakeSql = $"""
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
        {Clocks("taken", "$1")}
        SELECT job_id, trace FROM taken ORDER BY start, job_id
        """;

    /// <summary>
    /// Those of <c>taken</c> that may be sent as they are submitted, since a dispatcher would send them all at once: none of their
    /// model waits, its window in the broker (<see cref="DispatchWindow.Room"/>) has room for all of them, and their accounts
    /// may have so many running. It keeps the clocks as a dispatcher does, and is run under the same lock.
    /// </summary>
    /// <param name="many">There is more than one.</param>
    /// <param name="model">Parameter: the model of all of them.</param>
    /// <param name="live">Parameter: for how long a worker counts as live.</param>
    /// <param name="running">Parameter: running jobs of an account without a limit of its own (null: any).</param>
    public static string SendSql(bool many, string model, string live, string running) => $"""
        lane AS MATERIALIZED (
            SELECT able.free + 1 + able.slots / 4 - box.ahead AS room, box.ahead
            FROM (SELECT sum(w.slots)::int AS slots,
                    sum(greatest(0, w.slots - (SELECT count(*) FROM jobs WHERE state = 1 AND worker_id = w.id)))::int AS free
                FROM workers w WHERE w.last_seen > now() - {live} AND NOT w.draining AND {model} = ANY (w.models)) AS able,
                (SELECT count(*) AS ahead FROM outbox WHERE model = {model} AND dispatched_at IS NOT NULL) AS box
            WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE model = {model} AND dispatched_at IS NULL)),
        clock AS (
            SELECT coalesce((SELECT served FROM fair_shares
                WHERE model = {model} AND account_id = '00000000-0000-0000-0000-000000000000'), 0) AS now),
        places AS (
            SELECT id, account_id, weight, coalesce((limits ->> 'running_jobs')::int, {running}) AS most, number,
                {(many ? "row_number() OVER (PARTITION BY account_id ORDER BY priority DESC, number) AS place, count(*) OVER ()" : "1 AS place, 1")} AS jobs
            FROM taken),
        sent AS (
            SELECT p.id, p.account_id, p.weight, lane.ahead{(many ? " + row_number() OVER (ORDER BY p.number) - 1" : "")} AS ahead,
                greatest(coalesce(f.served, clock.now), clock.now) + (p.place - 1)::double precision / p.weight AS start
            FROM places p CROSS JOIN lane CROSS JOIN clock
                LEFT JOIN fair_shares f ON f.model = {model} AND f.account_id = p.account_id
            WHERE p.jobs <= lane.room AND (p.most IS NULL OR p.place <= p.most
                - (SELECT count(*) FROM jobs WHERE state = 1 AND account_id = p.account_id)
                - (SELECT count(*) FROM outbox WHERE account_id = p.account_id AND dispatched_at IS NOT NULL))),
        {Clocks("sent", model)}
        """;

    /// <summary>Moves the clocks of the accounts whose jobs are sent, and the model's.</summary>
    private static string Clocks(string sent, string model) => $"""
        clocks AS (
            INSERT INTO fair_shares (model, account_id, served)
            SELECT {model}, account_id, max(start + 1.0 / weight) FROM {sent} GROUP BY account_id
            UNION ALL
            SELECT {model}, '00000000-0000-0000-0000-000000000000', max(start) FROM {sent} HAVING count(*) > 0
            ON CONFLICT (model, account_id) DO UPDATE SET served = greatest(fair_shares.served, excluded.served))
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
