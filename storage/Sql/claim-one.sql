-- A job's life, 3: claim: queued -> running, for one worker. Changes only a job that is queued and has not expired, so that of two
-- copies of a message the first gets the job. The new lease epoch is the proof of the claim: what the worker says later names it.
-- claim-many.sql says the same of several jobs; planned for one, it takes half the time.
-- Returns the job as it is now; no row where it was not queued.
-- :id uuid the job; :worker text the worker; :lease interval how long the claim stands without being renewed.
WITH j AS (
    UPDATE jobs SET state = job_state('running'), attempt = attempt + 1, lease_epoch = lease_epoch + 1,
        lease_until = now() + :lease::interval, worker_id = :worker, started_at = now(), revision = revision + 1
    WHERE id = :id AND state = job_state('queued') AND (expires_at IS NULL OR expires_at > now())
    RETURNING *),
box AS (DELETE FROM outbox USING j WHERE outbox.job_id = j.id),
hooks AS (
    INSERT INTO webhook_deliveries (account_id, job_id, event, url, next_at)
    SELECT account_id, id, 'job.started', webhook_url, now() FROM j
    WHERE webhook_url IS NOT NULL AND 'started' = ANY (coalesce(webhook_events, ARRAY['finished'])))
SELECT j.id, j.account_id, j.kind, j.model, j.state, j.request, j.render, j.priority, j.created_at, j.started_at, j.finished_at,
    j.expires_at, j.attempt, j.lease_epoch, j.worker_id, j.revision, j.cancel_requested, j.cost, j.charged, j.error, j.metadata,
    j.checkpoint, j.webhook_url, j.webhook_events, j.outputs_deleted_at
FROM j;
