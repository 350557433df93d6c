-- A job's life, 5: cancel, of a job that runs: its worker is to stop it at the next step, and then says confirm-cancel.sql.
-- Returns the job as it is now; no row where it does not run, is to stop already, or is not this account's.
-- :id uuid the job; :account_id uuid whose it must be, null for anybody's.
WITH j AS (
    UPDATE jobs SET cancel_requested = true, revision = revision + 1
    WHERE id = :id AND state = job_state('running') AND NOT cancel_requested AND (:account_id IS NULL OR account_id = :account_id)
    RETURNING *)
SELECT j.id, j.account_id, j.kind, j.model, j.state, j.request, j.render, j.priority, j.created_at, j.started_at, j.finished_at,
    j.expires_at, j.attempt, j.lease_epoch, j.worker_id, j.revision, j.cancel_requested, j.cost, j.charged, j.error, j.metadata,
    j.checkpoint, j.webhook_url, j.webhook_events, j.outputs_deleted_at
FROM j;
