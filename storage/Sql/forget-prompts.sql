-- A job's life, 7: delete: of the next jobs in the order of their submission, those that are over since before a time, without their words:
-- the request's prompts are empty from then on.
-- Returns a row: the last job that was looked at before the first that is not over so long, null where there was none; and how many lost
-- their words.
-- :after uuid the job to begin after; :before timestamptz since when at the latest they must be over; :limit integer how many to look at.
WITH next AS (
    SELECT id, coalesce(finished_at < :before AND state NOT IN (job_state('queued'), job_state('running')), false) AS due, request
    FROM jobs
    WHERE id > :after
        AND id < (lpad(to_hex((extract(epoch FROM :before::timestamptz) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
    ORDER BY id LIMIT :limit),
changed AS (
    UPDATE jobs SET revision = revision + 1, request = jobs.request || (
        SELECT jsonb_object_agg(key, '""'::jsonb) FROM jsonb_each(jobs.request) WHERE key LIKE '%prompt' AND jsonb_typeof(value) = 'string')
    FROM next
    WHERE jobs.id = next.id AND next.due
        AND EXISTS (SELECT 1 FROM jsonb_each_text(next.request) WHERE key LIKE '%prompt' AND value <> '')
    RETURNING jobs.id)
SELECT (SELECT id FROM next WHERE due AND id < coalesce((SELECT id FROM next WHERE NOT due ORDER BY id LIMIT 1),
        'ffffffff-ffff-ffff-ffff-ffffffffffff') ORDER BY id DESC LIMIT 1) AS last,
    (SELECT count(*) FROM changed) AS changed;
