-- A job's life, 7: delete: succeeded jobs without their outputs, which ended longer ago than their accounts keep outputs. Their files go
-- with the next sweep (orphans.sql). Of two that ask at once each takes others.
-- :default_days integer how long outputs are kept where the account does not say, null for ever; :limit integer how many jobs.
WITH old AS (
    SELECT j.id FROM jobs j JOIN accounts a ON a.id = j.account_id
    WHERE j.state = job_state('succeeded') AND j.outputs_deleted_at IS NULL
        AND j.finished_at < now() - make_interval(days => coalesce((a.limits ->> 'retention_days')::int, :default_days))
    ORDER BY j.finished_at LIMIT :limit FOR UPDATE OF j SKIP LOCKED),
gone AS (DELETE FROM job_outputs USING old WHERE job_outputs.job_id = old.id RETURNING sha256, thumbnail),
released AS (
    INSERT INTO released_files (sha256)
    SELECT sha256 FROM gone UNION SELECT thumbnail FROM gone WHERE thumbnail IS NOT NULL
    ON CONFLICT DO NOTHING)
UPDATE jobs SET outputs_deleted_at = now(), revision = revision + 1 FROM old WHERE jobs.id = old.id;
