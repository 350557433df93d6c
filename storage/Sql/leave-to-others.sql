-- A job's life, 2: dispatch. Of the models that a worker would have to load, those whose jobs are better left to another one: a live
-- worker has the model in memory, and the next message has not yet waited as long as loading takes.
-- :models text[] models that are cold here; :load_times interval[] how long each takes to load; :worker text this worker;
-- :live_for interval for how long a worker counts as live.
SELECT cold.model
FROM unnest(:models::text[], :load_times::interval[]) AS cold (model, load)
WHERE EXISTS (
    SELECT 1 FROM workers w
    WHERE w.id <> :worker AND w.last_seen > now() - :live_for::interval AND NOT w.draining AND cold.model = ANY (w.loaded))
AND coalesce(
    (SELECT now() - min(o.enqueued_at) FROM outbox o WHERE o.model = cold.model AND o.dispatched_at IS NOT NULL),
    interval '0') < cold.load;
