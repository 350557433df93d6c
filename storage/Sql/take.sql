-- A job's life, 2: dispatch. Marks the next waiting jobs of a model as sent and moves the clocks; after lock-dispatch.sql, since two at
-- once would read the same clocks. The job stays queued: its worker's claim alone changes that, so that a message may be lost or copied.
-- The order is start-time fair queueing (Goyal, Vin and Cheng, 1996) between accounts, by weight; within an account by priority, then by
-- age. An account's k-th job starts at its served time + (k - 1) / weight, the least start goes first, and an account that comes back
-- from idling starts at the model's clock: it neither has saved up nor owes anything. The nil account's row is the model's clock.
-- Returns the chosen jobs, in their order, with the trace that they go on with.
-- :model text the model; :limit integer how many; :running_limit integer running jobs of an account without a limit of its own, or null.
WITH RECURSIVE active AS (
    -- Steps through the index from account to account, and never through an account's jobs
    (SELECT account_id FROM outbox WHERE model = :model AND dispatched_at IS NULL ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.account_id FROM outbox o
        WHERE o.model = :model AND o.dispatched_at IS NULL AND o.account_id > active.account_id
        ORDER BY o.account_id LIMIT 1)
    FROM active WHERE active.account_id IS NOT NULL),
clock AS (
    SELECT coalesce((SELECT served FROM fair_shares
        WHERE model = :model AND account_id = '00000000-0000-0000-0000-000000000000'), 0) AS now),
accounts_now AS (
    SELECT a.id, a.weight, clock.now,
        greatest(coalesce(f.served, clock.now), clock.now) AS served,
        CASE WHEN coalesce((a.limits ->> 'running_jobs')::int, :running_limit) IS NULL THEN :limit
            ELSE least(:limit, coalesce((a.limits ->> 'running_jobs')::int, :running_limit)
                - (SELECT count(*) FROM jobs WHERE state = job_state('running') AND account_id = a.id)
                - (SELECT count(*) FROM outbox WHERE account_id = a.id AND dispatched_at IS NOT NULL))
            END AS room
    FROM active JOIN accounts a ON a.id = active.account_id CROSS JOIN clock
        LEFT JOIN fair_shares f ON f.model = :model AND f.account_id = a.id),
candidates AS (
    SELECT job.job_id, now.id AS account_id, now.weight,
        now.served + (job.place - 1)::double precision / now.weight AS start
    FROM accounts_now now CROSS JOIN LATERAL (
        SELECT o.job_id, row_number() OVER (ORDER BY o.priority DESC, o.enqueued_at, o.job_id) AS place
        FROM outbox o
        WHERE o.model = :model AND o.account_id = now.id AND o.dispatched_at IS NULL
        ORDER BY o.priority DESC, o.enqueued_at, o.job_id
        LIMIT greatest(now.room, 0)) AS job),
chosen AS (
    SELECT * FROM candidates ORDER BY start, account_id LIMIT :limit),
taken AS (
    UPDATE outbox SET dispatched_at = now() FROM chosen
    WHERE outbox.job_id = chosen.job_id AND outbox.dispatched_at IS NULL
        AND (outbox.expires_at IS NULL OR outbox.expires_at > now())
    RETURNING outbox.job_id, outbox.trace, chosen.account_id, chosen.start, chosen.weight),
clocks AS (
    INSERT INTO fair_shares (model, account_id, served)
    SELECT :model, account_id, max(start + 1.0 / weight) FROM taken GROUP BY account_id
    UNION ALL
    SELECT :model, '00000000-0000-0000-0000-000000000000', max(start) FROM taken HAVING count(*) > 0
    ON CONFLICT (model, account_id) DO UPDATE SET served = greatest(fair_shares.served, excluded.served))
SELECT job_id, trace FROM taken ORDER BY start, job_id;
