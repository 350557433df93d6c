-- Locks jobs, in the order of their ids: before a statement that changes several, so that two such cannot block each other in a circle.
-- :ids uuid[] the jobs.
SELECT 1 FROM jobs WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE;
