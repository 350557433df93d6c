-- A job's life, 6: hand back: running -> queued, because the worker stops. Costs no attempt. Changes only a job whose lease is still this
-- worker's and whose owner has not asked to stop it.
-- The job gets the place in the queue that its submission gave it, and no longer expires: expires_in limits the time to the first start.
-- Returns the job as it is now; no row where its condition did not hold.
-- :id uuid the job; :epoch bigint the claim's lease epoch; :checkpoint jsonb from where another goes on, null for the earlier one.
WITH j AS (
    UPDATE jobs SET state = job_state('queued'), lease_until = NULL, worker_id = NULL, started_at = NULL, revision = revision + 1,
        attempt = greatest(attempt - 1, 0), expires_at = NULL, checkpoint = coalesce(:checkpoint, checkpoint)
    WHERE id = :id AND state = job_state('running') AND lease_epoch = :epoch AND NOT cancel_requested
    RETURNING *),
box AS (
    INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at, seconds, trace)
    SELECT id, account_id, model, priority, created_at, seconds, trace FROM j)
SELECT j.id, j.account_id, j.kind, j.model, j.state, j.request, j.render, j.priority, j.created_at, j.started_at, j.finished_at,
    j.expires_at, j.attempt, j.lease_epoch, j.worker_id, j.revision, j.cancel_requested, j.cost, j.charged, j.error, j.metadata,
    j.checkpoint, j.webhook_url, j.webhook_events, j.outputs_deleted_at
FROM j;
