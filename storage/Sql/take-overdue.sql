-- A job's life, 2: dispatch. Jobs whose messages were sent long ago and that nobody claimed, marked as sent now: the messages may be
-- lost. Of two that ask at once each gets others.
-- :model text the model; :age interval how long ago; :limit integer how many.
UPDATE outbox SET dispatched_at = now()
WHERE job_id IN (
    SELECT job_id FROM outbox
    WHERE model = :model AND dispatched_at < now() - :age::interval
    ORDER BY dispatched_at
    LIMIT :limit
    FOR UPDATE SKIP LOCKED)
RETURNING job_id, trace;
