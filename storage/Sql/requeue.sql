-- A job's life, 6: requeue: running -> queued, because an operator says so, whatever its worker does: that one's lease is lost with it.
-- Does not change a job whose owner has asked to stop it.
-- The job gets the place in the queue that its submission gave it, and no longer expires: expires_in limits the time to the first start.
-- Returns the job as it is now; no row where it does not run or is to stop.
-- :id uuid the job.
WITH j AS (
    UPDATE jobs SET state = job_state('queued'), lease_until = NULL, worker_id = NULL, started_at = NULL, revision = revision + 1,
        expires_at = NULL
    WHERE id = :id AND state = job_state('running') AND NOT cancel_requested
    RETURNING *),
box AS (
    INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at, seconds, trace)
    SELECT id, account_id, model, priority, created_at, seconds, trace FROM j)
SELECT j.id, j.account_id, j.kind, j.model, j.state, j.request, j.render, j.priority, j.created_at, j.started_at, j.finished_at,
    j.expires_at, j.attempt, j.lease_epoch, j.worker_id, j.revision, j.cancel_requested, j.cost, j.charged, j.error, j.metadata,
    j.checkpoint, j.webhook_url, j.webhook_events, j.outputs_deleted_at
FROM j;
