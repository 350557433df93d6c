-- Locks the accounts of jobs, in the order of their ids: before a statement that ends several, after lock-jobs.sql.
-- :ids uuid[] the jobs.
SELECT 1 FROM accounts WHERE id IN (SELECT account_id FROM jobs WHERE id = ANY (:ids)) ORDER BY id FOR NO KEY UPDATE;
