-- How busy the system is: a row for each model, with what is the same for all (all_workers, ...); without any, a row without a model.
-- Changes nothing. Planned each time it is run, since the tables' sizes decide how.
-- At a cost that does not grow with the jobs that wait: up to a limit all are counted; beyond it the number in all comes from the
-- accounts, which know it, and each model's share of it from a sample of the table's pages; a model of which few wait is still counted.
-- :live_for interval for how long a worker counts as live; :count_limit integer: all are counted where no more than so many wait; a
-- hundredth of it is what counts as few.
WITH RECURSIVE live AS (
    SELECT w.id, w.models, w.slots,
        greatest(0, w.slots - (SELECT count(*) FROM jobs WHERE state = job_state('running') AND worker_id = w.id))::int AS free
    FROM workers w WHERE w.last_seen > now() - :live_for::interval AND NOT w.draining),
able AS (
    SELECT m.model, count(*)::int AS workers, sum(live.slots)::int AS slots, sum(live.free)::int AS free
    FROM live, LATERAL unnest(live.models) AS m (model) GROUP BY m.model),
running AS (
    -- One that runs longer than expected is taken to be nearly done
    SELECT model, count(*) AS running,
        array_agg(greatest(seconds / 20, seconds - extract(epoch FROM now() - started_at))::double precision)
            FILTER (WHERE seconds IS NOT NULL) AS left_over
    FROM jobs WHERE state = job_state('running') GROUP BY model),
-- Null where the table is too small to hold so many: a row takes more than 80 bytes
backlog AS MATERIALIZED (
    SELECT CASE WHEN pg_relation_size('outbox') > :count_limit * 80 THEN
        (SELECT sum(open_jobs) FROM accounts) - (SELECT coalesce(sum(running), 0) FROM running) END AS jobs),
part AS MATERIALIZED (
    SELECT jobs, CASE WHEN jobs > :count_limit THEN 100.0 * :count_limit / jobs ELSE 100 END::real AS percent FROM backlog),
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
    SELECT waited.model, f.*, f.queued < :count_limit / 100 AS are_all FROM waited, LATERAL (
        SELECT count(*) AS queued, min(enqueued_at) AS oldest, coalesce(sum(seconds), 0) AS seconds, count(seconds) AS known FROM (
            (SELECT o.enqueued_at, o.seconds FROM outbox o WHERE o.model = waited.model AND o.dispatched_at IS NOT NULL)
            UNION ALL
            -- In the index's order, or all that are not of the model would be looked at
            (SELECT o.enqueued_at, o.seconds FROM outbox o WHERE o.model = waited.model AND o.dispatched_at IS NULL
                ORDER BY o.account_id, o.priority DESC, o.enqueued_at, o.job_id LIMIT :count_limit / 100)) AS own) AS f
    WHERE waited.model IS NOT NULL),
rest AS MATERIALIZED (
    SELECT (part.jobs - coalesce(sum(few.queued) FILTER (WHERE few.are_all), 0))
        / nullif(sum(sample.queued) FILTER (WHERE NOT few.are_all), 0) AS for_one
    FROM part, few LEFT JOIN sample USING (model) GROUP BY part.jobs),
eldest AS (
    -- Ids sort by the time of submission
    SELECT model, min(enqueued_at) AS oldest FROM (
        SELECT o.model, o.enqueued_at FROM outbox o, part WHERE part.percent < 100 ORDER BY o.job_id LIMIT 1000) AS front
    GROUP BY model),
waiting AS (
    SELECT model, queued, oldest, seconds, known FROM sample, part WHERE part.percent = 100
    UNION ALL
    SELECT model, queued, oldest, seconds, known FROM few WHERE are_all
    UNION ALL
    SELECT model, greatest(few.queued, (sample.queued * for_one)::bigint), least(eldest.oldest, few.oldest, sample.oldest),
        greatest(few.seconds, sample.seconds * for_one::double precision), greatest(few.known, (sample.known * for_one)::bigint)
    FROM few CROSS JOIN rest LEFT JOIN sample USING (model) LEFT JOIN eldest USING (model) WHERE NOT are_all),
recent AS (
    SELECT model, finished_at, started_at FROM jobs
    WHERE finished_at > now() - interval '1 hour' AND state = job_state('succeeded') ORDER BY finished_at DESC LIMIT 500),
pace AS (
    SELECT model, avg(extract(epoch FROM finished_at - started_at))::double precision AS seconds FROM recent GROUP BY model),
minute AS (
    SELECT model, count(*) AS finished FROM jobs
    WHERE finished_at > now() - interval '1 minute' AND state = job_state('succeeded') GROUP BY model),
names AS (
    SELECT name AS model FROM models UNION SELECT model FROM waiting UNION SELECT model FROM running)
SELECT names.model, coalesce(waiting.queued, 0) AS queued, coalesce(running.running, 0) AS running, coalesce(able.workers, 0) AS workers,
    coalesce(able.slots, 0) AS slots, coalesce(able.free, 0) AS free, coalesce(minute.finished, 0) AS finished_last_minute,
    pace.seconds AS run_seconds, waiting.oldest, (SELECT count(*)::int FROM live) AS all_workers,
    (SELECT coalesce(sum(slots), 0)::int FROM live) AS all_slots, (SELECT coalesce(sum(free), 0)::int FROM live) AS all_free, now() AS at,
    running.left_over, coalesce(waiting.seconds, 0) AS queued_seconds, coalesce(waiting.known, 0) AS queued_known,
    EXISTS (SELECT 1 FROM models WHERE name = names.model AND entry @> '{"paused": true}') AS paused
FROM (SELECT 1) AS one LEFT JOIN names ON true
    LEFT JOIN waiting USING (model) LEFT JOIN running USING (model) LEFT JOIN able USING (model)
    LEFT JOIN pace USING (model) LEFT JOIN minute USING (model)
ORDER BY names.model;
