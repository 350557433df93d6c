-- A job's life, 6: rescue. Running jobs whose worker has not renewed its lease, the longest first: for rescue.sql and end-lapsed.sql.
-- :limit integer how many.
SELECT id FROM jobs WHERE state = job_state('running') AND lease_until < now() ORDER BY lease_until LIMIT :limit;
