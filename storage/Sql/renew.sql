-- A job's life, 4: renew: running, for longer. Changes only a job whose lease is still this worker's.
-- Returns whether its owner wants it stopped; no row where the lease is lost.
-- :id uuid the job; :epoch bigint the claim's lease epoch; :lease interval from now; :checkpoint jsonb a newer one, or null.
UPDATE jobs SET lease_until = now() + :lease::interval, checkpoint = coalesce(:checkpoint, checkpoint)
WHERE id = :id AND state = job_state('running') AND lease_epoch = :epoch
RETURNING cancel_requested;
