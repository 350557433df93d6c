-- A job's life, 1: submit, after submit-one.sql or submit-many.sql in the same transaction where jobs have a webhook: tells the
-- addresses whose owners want to know of it.
-- :ids uuid[] the jobs, whether they were taken or not.
INSERT INTO webhook_deliveries (account_id, job_id, event, url, next_at)
SELECT account_id, id, 'job.queued', webhook_url, now() FROM jobs
WHERE id = ANY (:ids) AND webhook_url IS NOT NULL AND 'queued' = ANY (coalesce(webhook_events, ARRAY['finished']));
