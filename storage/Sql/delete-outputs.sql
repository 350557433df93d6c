-- A job's life, 7: delete: a succeeded job without its outputs, as its owner asked. Their files go with the next sweep (orphans.sql).
-- Returns the job as it is now; no row where it has not succeeded, its outputs are deleted already, or it is not this account's.
-- :id uuid the job; :account_id uuid whose it must be.
WITH j AS (
    UPDATE jobs SET outputs_deleted_at = now(), revision = revision + 1
    WHERE id = :id AND state = job_state('succeeded') AND outputs_deleted_at IS NULL AND account_id = :account_id
    RETURNING *),
gone AS (DELETE FROM job_outputs USING j WHERE job_outputs.job_id = j.id RETURNING sha256, thumbnail),
released AS (
    INSERT INTO released_files (sha256)
    SELECT sha256 FROM gone UNION SELECT thumbnail FROM gone WHERE thumbnail IS NOT NULL
    ON CONFLICT DO NOTHING)
SELECT j.id, j.account_id, j.kind, j.model, j.state, j.request, j.render, j.priority, j.created_at, j.started_at, j.finished_at,
    j.expires_at, j.attempt, j.lease_epoch, j.worker_id, j.revision, j.cancel_requested, j.cost, j.charged, j.error, j.metadata,
    j.checkpoint, j.webhook_url, j.webhook_events, j.outputs_deleted_at
FROM j;
