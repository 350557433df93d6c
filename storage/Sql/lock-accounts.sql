-- Locks accounts, in the order of their ids: before submissions. Jobs are locked before accounts, everywhere.
-- If a model is named, the right to choose what is sent to its queue (lock-dispatch.sql) is taken first: a condition that has no
-- columns is looked at before the first row.
-- :ids uuid[] the accounts; :dispatch text the model, or null.
SELECT 1 FROM accounts
WHERE id = ANY (:ids) AND (:dispatch IS NULL OR (SELECT pg_advisory_xact_lock(hashtextextended('dispatch:' || :dispatch, 0)) IS NOT NULL))
ORDER BY id FOR NO KEY UPDATE;
