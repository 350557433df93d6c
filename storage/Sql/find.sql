-- One job with its outputs. Changes nothing.
-- :id uuid the job; :account_id uuid whose it must be, null for anybody's.
SELECT j.id, j.account_id, j.kind, j.model, j.state, j.request, j.render, j.priority, j.created_at, j.started_at, j.finished_at,
    j.expires_at, j.attempt, j.lease_epoch, j.worker_id, j.revision, j.cancel_requested, j.cost, j.charged, j.error, j.metadata,
    j.checkpoint, j.webhook_url, j.webhook_events, j.outputs_deleted_at,
    (SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(o) - 'job_id') ORDER BY o.index) FROM job_outputs o WHERE o.job_id = j.id) AS outputs
FROM jobs j
WHERE j.id = :id AND (:account_id IS NULL OR j.account_id = :account_id);
