-- A job's life, 1: submit, before submit-one.sql or submit-many.sql where requests have an Idempotency-Key: claims the keys for the jobs.
-- A key that is there stays as it is, and the job of a later claim is not submitted. Each parameter is an array, an element for each key.
-- Returns the jobs whose keys are claimed.
-- :account_id uuid[] whose; :key text[] the keys; :fingerprint bytea[] SHA-256 of what was asked; :id uuid[] the jobs;
-- :in_flight interval[] for how long the first answer may be in the making.
INSERT INTO idempotency_keys (account_id, key, fingerprint, job_id, in_flight_until)
SELECT i.account_id, i.key, i.fingerprint, i.job_id, now() + i.in_flight
FROM unnest(:account_id::uuid[], :key::text[], :fingerprint::bytea[], :id::uuid[], :in_flight::interval[])
    AS i (account_id, key, fingerprint, job_id, in_flight)
    JOIN accounts a ON a.id = i.account_id
ON CONFLICT DO NOTHING
RETURNING job_id;
