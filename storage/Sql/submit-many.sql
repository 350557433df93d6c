-- A job's life, 1: submit, for several jobs at once: (nothing) -> queued. The accounts are locked before (lock-accounts.sql), and
-- idempotency keys claimed (submit-keys.sql). Each parameter but the last three is an array with an element for each job.
-- The account pays (balance >= cost) and may have so many jobs open, or nothing is written. What is written comes together or not at
-- all: the job, the hold of its cost in two ledger lines that sum to zero, and its outbox row.
-- The outbox row says at once that the message is sent, and the caller sends it, exactly where a dispatcher would send it at once: none
-- of the model waits, its window in the broker (as windows.sql counts it) has room, and the account may have so many running.
-- The clocks of fair_shares move as in take.sql, under the same lock.
-- Jobs of one account are taken in order, as long as its balance and its limit allow: each sees what those before it take. Whether what
-- comes after the first refusal fits is for submit-one.sql to say.
-- Returns one row for each job whose account there is: number is its place in the arrays, from 1; fits and is_paid say why nothing was
-- written; created_at is null where nothing was; ahead is how many of the model's jobs are before it in the broker, null where its
-- message is left to a dispatcher.
-- :dispatch is the model of all the jobs where the callers send, else null; :live_for for how long a worker counts as live;
-- :running_limit running jobs of an account without a limit of its own, null for any number.
WITH asking AS (
    SELECT i.*, a.balance, a.weight, a.limits, a.balance >= sum(i.cost) OVER own AS is_paid,
        NOT a.disabled AND (i.max_queued IS NULL OR a.open_jobs + row_number() OVER own <= i.max_queued
            OR a.open_jobs + row_number() OVER own <= i.max_queued
                + (SELECT count(*) FROM jobs WHERE state = job_state('running') AND account_id = a.id)) AS is_within
    FROM unnest(:id::uuid[], :account_id::uuid[], :kind::smallint[], :cost::bigint[], :model::text[], :request::jsonb[], :render::jsonb[],
            :priority::integer[], :expires_in::interval[], :metadata::jsonb[], :webhook_url::text[], :webhook_events::jsonb[],
            :max_queued::integer[], :key::text[], :work::double precision[], :seconds::double precision[], :trace::text[])
            WITH ORDINALITY AS i (id, account_id, kind, cost, model, request, render, priority, expires_in, metadata, webhook_url,
                webhook_events, max_queued, key, work, seconds, trace, number)
        JOIN accounts a ON a.id = i.account_id
    WINDOW own AS (PARTITION BY i.account_id ORDER BY i.number)),
fitting AS (
    SELECT *, bool_and(is_paid AND is_within) OVER (PARTITION BY account_id ORDER BY number) AS fits FROM asking),
taken AS (
    SELECT * FROM fitting WHERE fits AND (key IS NULL OR EXISTS (
        SELECT 1 FROM idempotency_keys k WHERE k.account_id = fitting.account_id AND k.key = fitting.key AND k.job_id = fitting.id))),
model_queue AS MATERIALIZED (
    SELECT able.free + 1 + able.slots / 4 - box.ahead AS room, box.ahead
    FROM (SELECT sum(w.slots)::int AS slots,
            sum(greatest(0, w.slots - (SELECT count(*) FROM jobs WHERE state = job_state('running') AND worker_id = w.id)))::int AS free
        FROM workers w WHERE w.last_seen > now() - :live_for::interval AND NOT w.draining AND :dispatch = ANY (w.models)) AS able,
        (SELECT count(*) AS ahead FROM outbox WHERE model = :dispatch AND dispatched_at IS NOT NULL) AS box
    WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE model = :dispatch AND dispatched_at IS NULL)),
clock AS (
    SELECT coalesce((SELECT served FROM fair_shares
        WHERE model = :dispatch AND account_id = '00000000-0000-0000-0000-000000000000'), 0) AS now),
places AS (
    SELECT id, account_id, weight, coalesce((limits ->> 'running_jobs')::int, :running_limit) AS most, number,
        row_number() OVER (PARTITION BY account_id ORDER BY priority DESC, number) AS place, count(*) OVER () AS jobs
    FROM taken),
-- All of them or none
sent AS (
    SELECT p.id, p.account_id, p.weight, model_queue.ahead + row_number() OVER (ORDER BY p.number) - 1 AS ahead,
        greatest(coalesce(f.served, clock.now), clock.now) + (p.place - 1)::double precision / p.weight AS start
    FROM places p CROSS JOIN model_queue CROSS JOIN clock
        LEFT JOIN fair_shares f ON f.model = :dispatch AND f.account_id = p.account_id
    WHERE p.jobs <= model_queue.room AND (p.most IS NULL OR p.place <= p.most
        - (SELECT count(*) FROM jobs WHERE state = job_state('running') AND account_id = p.account_id)
        - (SELECT count(*) FROM outbox WHERE account_id = p.account_id AND dispatched_at IS NOT NULL))),
clocks AS (
    INSERT INTO fair_shares (model, account_id, served)
    SELECT :dispatch, account_id, max(start + 1.0 / weight) FROM sent GROUP BY account_id
    UNION ALL
    SELECT :dispatch, '00000000-0000-0000-0000-000000000000', max(start) FROM sent HAVING count(*) > 0
    ON CONFLICT (model, account_id) DO UPDATE SET served = greatest(fair_shares.served, excluded.served)),
account AS (
    UPDATE accounts SET balance = balance - t.cost, held = held + t.cost, open_jobs = open_jobs + t.jobs
    FROM (SELECT account_id, sum(cost)::bigint AS cost, count(*)::integer AS jobs FROM taken GROUP BY account_id) AS t
    WHERE accounts.id = t.account_id
    RETURNING accounts.id, accounts.balance, accounts.held),
-- The account's figures after each of its jobs: those after all of them, less what the later ones change
held AS MATERIALIZED (
    SELECT t.id, t.account_id, t.cost, account.balance + t.later AS balance, account.held - t.later AS held,
        CASE WHEN t.cost > 0 THEN nextval('ledger_movements') END AS movement
    FROM (SELECT *, coalesce(sum(cost) OVER (PARTITION BY account_id ORDER BY number
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0)::bigint AS later FROM taken) AS t
        JOIN account ON account.id = t.account_id),
j AS (
    INSERT INTO jobs (id, account_id, kind, model, state, request, render, priority, expires_at, cost, metadata,
        webhook_url, webhook_events, work, seconds, trace)
    SELECT id, account_id, kind, model, job_state('queued'), request, render, priority, now() + expires_in, cost, metadata,
        webhook_url, CASE WHEN webhook_events IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(webhook_events)) END,
        work, seconds, trace
    FROM taken
    RETURNING *),
box AS (
    INSERT INTO outbox (job_id, account_id, model, priority, enqueued_at, expires_at, seconds, trace, dispatched_at)
    SELECT j.id, j.account_id, j.model, j.priority, j.created_at, j.expires_at, j.seconds, j.trace,
        CASE WHEN sent.id IS NOT NULL THEN now() END
    FROM j LEFT JOIN sent ON sent.id = j.id),
lines AS (
    INSERT INTO ledger_lines (movement, entry, book, account_id, job_id, amount, balance, held)
    SELECT movement, ledger_entry('hold'), line.book, account_id, id, line.amount, balance, held
    FROM held, LATERAL (VALUES (ledger_book('available'), -cost), (ledger_book('held'), cost)) AS line (book, amount)
    WHERE movement IS NOT NULL)
SELECT f.number, f.fits, f.is_paid, coalesce(held.balance, f.balance) AS balance, j.created_at, j.expires_at, sent.ahead
FROM fitting f LEFT JOIN j ON j.id = f.id LEFT JOIN held ON held.id = f.id LEFT JOIN sent ON sent.id = f.id;
