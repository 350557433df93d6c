-- A job's life, 7: delete. Of these files, those that nothing names any more: no output or thumbnail, no upload, no checkpoint, and no
-- input of a job that is open or whose outputs are kept. Returns their names, and whether this database has named them before: as inputs
-- of a job that is still there, or as what was deleted since (released_files).
-- :names text[] the files, by the SHA-256 of their bytes.
SELECT name, EXISTS (SELECT 1 FROM released_files WHERE sha256 = name)
    OR EXISTS (SELECT 1 FROM jobs WHERE kind <> 0 AND jsonb_path_query_array(request, 'strict $.**.sha256') @> to_jsonb(name)) AS known
FROM unnest(:names::text[]) AS f (name)
WHERE NOT EXISTS (SELECT 1 FROM job_outputs WHERE sha256 = name)
    AND NOT EXISTS (SELECT 1 FROM uploads WHERE sha256 = name)
    AND NOT EXISTS (SELECT 1 FROM job_outputs WHERE thumbnail = name)
    -- Kind 0 is text2img, which has no inputs; without the first condition the index jobs_inputs would not serve
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE kind <> 0 AND jsonb_path_query_array(request, 'strict $.**.sha256') @> to_jsonb(name)
        AND (state IN (job_state('queued'), job_state('running'))
            OR (state = job_state('succeeded') AND outputs_deleted_at IS NULL)))
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE checkpoint ->> 'sha256' = name AND checkpoint IS NOT NULL);
