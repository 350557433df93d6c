-- Looks: which of these jobs have no outputs to give any more: they were deleted, or the job is gone. Returns their ids.
-- :ids uuid[] the jobs.
SELECT asked.id FROM unnest(:ids::uuid[]) AS asked (id)
WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = asked.id AND j.outputs_deleted_at IS NULL);
