-- A job's life, 2: dispatch. Marks jobs as not sent: the broker did not take their messages.
-- :ids uuid[] the jobs.
UPDATE outbox SET dispatched_at = NULL WHERE job_id = ANY (:ids);
