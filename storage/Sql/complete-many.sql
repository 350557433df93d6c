-- A job's life, 5: complete, of several jobs at once: running -> succeeded, with their outputs, and the holds become charges, for the share that was made; after
-- lock-jobs.sql and lock-accounts-of-jobs.sql. Changes only jobs whose lease is still their worker's and whose owners have not asked to
-- stop them. Each parameter is an array with an element for each job.
-- Returns the jobs as they are now, without those whose condition did not hold.
-- :id uuid[] the jobs; :epoch bigint[] their claims' lease epochs; :outputs jsonb[] an array of outputs of each; :done numeric[] the share
-- of each that was made, 1 for all of it; :warnings jsonb[] an array of texts for each that its owner is told, or null.
WITH j AS (
    UPDATE jobs SET state = job_state('succeeded'), finished_at = now(), lease_until = NULL, checkpoint = NULL, revision = revision + 1,
        charged = floor(cost::numeric * i.done)::bigint, error = NULL,
        render = CASE WHEN i.warnings IS NULL THEN render
            ELSE jsonb_set(render, '{warnings}', coalesce(render -> 'warnings', '[]') || i.warnings) END
    FROM unnest(:id::uuid[], :epoch::bigint[], :done::numeric[], :warnings::jsonb[]) AS i (job, epoch, done, warnings)
    WHERE id = i.job AND state = job_state('running') AND lease_epoch = i.epoch AND NOT cancel_requested
    RETURNING jobs.*),
files AS (
    INSERT INTO job_outputs (job_id, index, sha256, content_type, bytes, width, height, seed, nsfw, render,
        frames, fps, duration_seconds, thumbnail)
    SELECT j.id, o.index, o.sha256, o.content_type, o.bytes, o.width, o.height, o.seed, o.nsfw, o.render,
        o.frames, o.fps, o.duration_seconds, o.thumbnail
    FROM unnest(:id::uuid[], :outputs::jsonb[]) AS i (job, outputs) JOIN j ON j.id = i.job,
        jsonb_to_recordset(i.outputs) AS o (index integer, sha256 text, content_type text, bytes bigint, width integer, height integer,
        seed bigint, nsfw boolean, render jsonb, frames integer, fps double precision, duration_seconds double precision, thumbnail text)),
-- The end of a job settles what was held for it. From here on, all statements that end jobs are the same, which a test makes sure of
box AS (DELETE FROM outbox USING j WHERE outbox.job_id = j.id),
account AS (
    UPDATE accounts SET held = held - t.cost, balance = balance + t.unused, open_jobs = open_jobs - t.jobs
    FROM (SELECT account_id, sum(cost)::bigint AS cost, sum(cost - charged)::bigint AS unused, count(*)::integer AS jobs
        FROM j GROUP BY account_id) AS t
    WHERE accounts.id = t.account_id
    RETURNING accounts.id, accounts.balance, accounts.held),
-- The account's figures after each of its jobs: those after all of them, less what the later ones change
settled AS MATERIALIZED (
    SELECT t.id, t.account_id, t.cost, t.charged, nextval('ledger_movements') AS movement,
        account.balance - coalesce(t.later_unused, 0) AS balance, account.held + coalesce(t.later_cost, 0) AS held
    FROM (SELECT *, (sum(cost - charged) OVER later)::bigint AS later_unused, (sum(cost) OVER later)::bigint AS later_cost
        FROM j WINDOW later AS (PARTITION BY account_id ORDER BY id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)) AS t
        JOIN account ON account.id = t.account_id),
lines AS (
    INSERT INTO ledger_lines (movement, entry, book, account_id, job_id, amount, balance, held)
    SELECT movement, line.entry, line.book, CASE WHEN line.own THEN account_id END, id, line.amount,
        CASE WHEN line.own THEN balance END, CASE WHEN line.own THEN held END
    FROM settled, LATERAL (VALUES
        (ledger_entry('charge'), ledger_book('held'), true, -charged),
        (ledger_entry('charge'), ledger_book('revenue'), false, charged),
        (ledger_entry('release'), ledger_book('held'), true, charged - cost),
        (ledger_entry('release'), ledger_book('available'), true, cost - charged)) AS line (entry, book, own, amount)
    WHERE line.amount <> 0),
hooks AS (
    INSERT INTO webhook_deliveries (account_id, job_id, event, url, next_at)
    SELECT account_id, id, 'job.' || job_state_name(state), webhook_url, now() FROM j
    WHERE webhook_url IS NOT NULL AND 'finished' = ANY (coalesce(webhook_events, ARRAY['finished'])))
SELECT j.id, j.account_id, j.kind, j.model, j.state, j.request, j.render, j.priority, j.created_at, j.started_at, j.finished_at,
    j.expires_at, j.attempt, j.lease_epoch, j.worker_id, j.revision, j.cancel_requested, j.cost, j.charged, j.error, j.metadata,
    j.checkpoint, j.webhook_url, j.webhook_events, j.outputs_deleted_at
FROM j;
