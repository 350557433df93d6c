-- What finished jobs say of how long jobs of one kind run on one model: the sums for a line through their seconds over their work, by
-- least squares of the relative errors, in which the newest jobs weigh most. Where one-slot workers overlap two jobs' ends, a job's time
-- counts from the end of the one before. Changes nothing.
WITH recent AS (
    SELECT model, kind, worker_id, attempt, work, started_at, finished_at FROM jobs
    WHERE state = job_state('succeeded') AND finished_at > now() - interval '1 hour' ORDER BY finished_at DESC LIMIT 1000),
spans AS (
    SELECT *, lag(finished_at) OVER (PARTITION BY worker_id ORDER BY finished_at) AS before FROM recent),
timed AS (
    SELECT model, kind, work, finished_at,
        greatest(0.001, extract(epoch FROM finished_at - CASE
            WHEN coalesce(w.slots, 1) = 1 AND before > spans.started_at THEN before ELSE spans.started_at END))::double precision AS seconds
    FROM spans LEFT JOIN workers w ON w.id = worker_id WHERE work IS NOT NULL AND attempt = 1),
plain AS (
    SELECT model, kind, avg(seconds) AS mean, regr_intercept(seconds, work) AS start, regr_slope(seconds, work) AS slope
    FROM timed GROUP BY model, kind),
weighted AS (
    -- Relative to what is expected: relative to what was measured, a job that happened to be short would count most
    SELECT timed.*, power(0.97::double precision, row_number() OVER (PARTITION BY model, kind ORDER BY finished_at DESC) - 1)
        / power(greatest(coalesce(start + slope * work, mean), mean / 10), 2) AS weight
    FROM timed JOIN plain USING (model, kind))
SELECT model, kind, count(*) AS jobs, sum(weight) AS weights, sum(weight * work) AS work, sum(weight * seconds) AS seconds,
    sum(weight * work * work) AS work_squared, sum(weight * work * seconds) AS product, avg(work) AS mean_work
FROM weighted GROUP BY model, kind;
