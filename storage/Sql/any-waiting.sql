-- A job's life, 2: dispatch. Whether any job is queued and its message not sent.
SELECT EXISTS (SELECT 1 FROM outbox WHERE dispatched_at IS NULL);
