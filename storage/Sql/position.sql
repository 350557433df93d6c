-- Where a queued job stands among those of its model in the order of take.sql, as far as it can be known: its rank within its account,
-- and of each other account the jobs that get their turn before. Changes nothing.
-- Returns its place, from 1; of how many of those ahead it is known how long they will run; for how long those will, in seconds; and for
-- how long the job itself, or null. No row where it is not queued.
-- :id uuid the job.
WITH RECURSIVE me AS (
    SELECT o.*, a.weight FROM outbox o JOIN accounts a ON a.id = o.account_id WHERE o.job_id = :id),
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
SELECT (1 + own.ahead + others.ahead)::bigint AS position, (own.known + others.known)::bigint AS known_ahead,
    own.seconds + others.seconds AS seconds_ahead, me.seconds AS own_seconds
FROM me, own, others;
