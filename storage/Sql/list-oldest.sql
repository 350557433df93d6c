-- A page of an account's jobs with their outputs, the oldest first (list-newest.sql: the other way). Ids sort by the time of submission.
-- Changes nothing. What is null does not bind.
-- :account_id uuid whose; :state smallint; :kind smallint; :model text; :created_after, :created_before timestamptz;
-- :words text in the prompt, whether in large or small letters;
-- :after uuid the last job of the page before; :limit integer how many.
SELECT j.id, j.account_id, j.kind, j.model, j.state, j.request, j.render, j.priority, j.created_at, j.started_at, j.finished_at,
    j.expires_at, j.attempt, j.lease_epoch, j.worker_id, j.revision, j.cancel_requested, j.cost, j.charged, j.error, j.metadata,
    j.checkpoint, j.webhook_url, j.webhook_events, j.outputs_deleted_at,
    (SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(o) - 'job_id') ORDER BY o.index) FROM job_outputs o WHERE o.job_id = j.id) AS outputs
FROM jobs j
WHERE j.account_id = :account_id AND j.id > coalesce(:after, '00000000-0000-0000-0000-000000000000')
    AND (:state IS NULL OR j.state = :state) AND (:kind IS NULL OR j.kind = :kind) AND (:model IS NULL OR j.model = :model)
    AND (:created_after IS NULL OR j.created_at > :created_after) AND (:created_before IS NULL OR j.created_at < :created_before)
    AND (:words IS NULL OR strpos(lower(j.request ->> 'prompt'), lower(:words)) > 0)
ORDER BY j.id LIMIT :limit;
