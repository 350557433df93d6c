-- A job's life, 3: claim, of several jobs at once: queued -> running, each for its worker; after lock-jobs.sql. Changes only jobs that
-- are queued and have not expired. Each parameter is an array with an element for each job.
-- Returns the jobs as they are now, without those that were not queued.
-- :id uuid[] the jobs; :worker text[] their workers; :lease interval[] how long each claim stands without being renewed.
WITH j AS (
    UPDATE jobs SET state = job_state('running'), attempt = attempt + 1, lease_epoch = lease_epoch + 1,
        lease_until = now() + i.lease, worker_id = i.worker, started_at = now(), revision = revision + 1
    FROM unnest(:id::uuid[], :worker::text[], :lease::interval[]) AS i (job, worker, lease)
    WHERE id = i.job AND state = job_state('queued') AND (expires_at IS NULL OR expires_at > now())
    RETURNING jobs.*),
box AS (DELETE FROM outbox USING j WHERE outbox.job_id = j.id),
hooks AS (
    INSERT INTO webhook_deliveries (account_id, job_id, event, url, next_at)
    SELECT account_id, id, 'job.started', webhook_url, now() FROM j
    WHERE webhook_url IS NOT NULL AND 'started' = ANY (coalesce(webhook_events, ARRAY['finished'])))
SELECT j.id, j.account_id, j.kind, j.model, j.state, j.request, j.render, j.priority, j.created_at, j.started_at, j.finished_at,
    j.expires_at, j.attempt, j.lease_epoch, j.worker_id, j.revision, j.cancel_requested, j.cost, j.charged, j.error, j.metadata,
    j.checkpoint, j.webhook_url, j.webhook_events, j.outputs_deleted_at
FROM j;
