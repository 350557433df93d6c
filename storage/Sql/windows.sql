-- A job's life, 2: dispatch. Of every model that a live worker can run: such workers, their slots, their free slots, messages sent and
-- not yet claimed, jobs that wait for theirs, counted up to a limit, and whether operators have paused it.
-- :live_for interval for how long a worker counts as live; :count_limit integer where counting stops.
WITH live AS (
    SELECT w.id, w.models, w.slots,
        greatest(0, w.slots - (SELECT count(*) FROM jobs WHERE state = job_state('running') AND worker_id = w.id))::int AS free
    FROM workers w WHERE w.last_seen > now() - :live_for::interval AND NOT w.draining),
able AS (
    SELECT m.model, count(*)::int AS workers, sum(live.slots)::int AS slots, sum(live.free)::int AS free
    FROM live, LATERAL unnest(live.models) AS m (model) GROUP BY m.model)
SELECT able.model, able.workers, able.slots, able.free,
    (SELECT count(*) FROM outbox o WHERE o.model = able.model AND o.dispatched_at IS NOT NULL)::int AS in_flight,
    (SELECT count(*) FROM (
        SELECT 1 FROM outbox o WHERE o.model = able.model AND o.dispatched_at IS NULL LIMIT :count_limit) AS few)::int AS waiting,
    EXISTS (SELECT 1 FROM models WHERE name = able.model AND entry @> '{"paused": true}') AS paused
FROM able ORDER BY able.model;
