-- A job's life, 1: submit, after submit-one.sql or submit-many.sql in the same transaction: lets go of the keys that submit-keys.sql
-- claimed for jobs that were then refused, so that a key without a job cannot be. Each parameter is an array, an element for each key.
-- :account_id uuid[] whose; :key text[] the keys; :id uuid[] the jobs.
DELETE FROM idempotency_keys USING unnest(:account_id::uuid[], :key::text[], :id::uuid[]) AS i (account_id, key, job_id)
WHERE idempotency_keys.account_id = i.account_id AND idempotency_keys.key = i.key AND idempotency_keys.job_id = i.job_id
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = i.job_id);
