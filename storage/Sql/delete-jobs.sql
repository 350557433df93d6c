-- A job's life, 7: delete: jobs that are over, with all that they left but their lines in the ledger: request, outputs, marks, webhook
-- messages, Idempotency-Keys with their answers, numbers. Their files are let go, and deleted by a sweep unless something else names them.
-- Returns the jobs that are deleted; those that are queued or running, or not this account's, stay.
-- :ids uuid[] the jobs; :account_id uuid whose they must be, null for anybody's.
WITH old AS (
    SELECT id, account_id, kind, request FROM jobs
    WHERE id = ANY (:ids) AND (:account_id IS NULL OR account_id = :account_id)
        AND state NOT IN (job_state('queued'), job_state('running'))
    ORDER BY id FOR UPDATE),
released AS (
    INSERT INTO released_files (sha256)
    SELECT o.sha256 FROM job_outputs o JOIN old ON o.job_id = old.id
    UNION SELECT o.thumbnail FROM job_outputs o JOIN old ON o.job_id = old.id WHERE o.thumbnail IS NOT NULL
    -- Kind 0 is text2img, which has no inputs
    UNION SELECT file #>> '{}' FROM old, jsonb_path_query(old.request, 'strict $.**.sha256') AS file WHERE old.kind <> 0
    ON CONFLICT DO NOTHING),
keys AS (
    DELETE FROM idempotency_keys k USING old WHERE k.account_id = old.account_id AND k.job_id = old.id),
numbers AS (DELETE FROM object_numbers n USING old WHERE n.id = old.id)
DELETE FROM jobs USING old WHERE jobs.id = old.id RETURNING jobs.id;
