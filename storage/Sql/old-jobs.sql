-- A job's life, 7: delete: jobs that are over since before a time, in the order of their ids, which is that of their submission.
-- Changes nothing.
-- :before timestamptz since when at the latest; :limit integer how many.
SELECT id FROM jobs
-- An id begins with the milliseconds at which it was made: a job that was made later cannot have ended before
WHERE id < (lpad(to_hex((extract(epoch FROM :before::timestamptz) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
    AND finished_at < :before AND state NOT IN (job_state('queued'), job_state('running'))
ORDER BY id LIMIT :limit;
