-- A job's life, 5: expire. Queued jobs that nobody began in time, the longest first: for expire.sql.
-- :limit integer how many.
SELECT job_id FROM outbox WHERE expires_at < now() ORDER BY expires_at LIMIT :limit;
