using Generation.Contracts;
using Npgsql;

namespace Generation.Storage;

/// <summary>How long jobs of one kind run on one model: so many seconds each, and so many for each unit of work.</summary>
/// <param name="Model">The model.</param>
/// <param name="Kind">The kind.</param>
/// <param name="Jobs">Finished jobs that this is from.</param>
/// <param name="FixedSeconds">For a job, however small.</param>
/// <param name="SecondsPerWork">For a unit of work, as <see cref="JobPlan.Work"/> counts it.</param>
public sealed record RunTime(string Model, JobKind Kind, long Jobs, double FixedSeconds, double SecondsPerWork)
{
    /// <summary>Work of a usual job.</summary>
    public double MeanWork { get; init; }

    public double SecondsOf(double work) => FixedSeconds + (SecondsPerWork * work);
}

/// <summary>
/// Run times measured from finished jobs: a line through their seconds over their work, by least squares of the relative
/// errors, in which the newest jobs weigh most. Where one-slot workers overlap two jobs' ends, a job's time counts from
/// the end of the one before.
/// </summary>
public sealed class RunTimes(NpgsqlDataSource source)
{
    /// <summary>Work whose spread is below this share of its mean says nothing about how time grows with it.</summary>
    private const double LeastSpread = 0.01;

    private const string Sql = """
        WITH recent AS (
            SELECT model, kind, worker_id, attempt, work, started_at, finished_at FROM jobs
            WHERE state = 2 AND finished_at > now() - interval '1 hour' ORDER BY finished_at DESC LIMIT 1000),
        spans AS (
            SELECT *, lag(finished_at) OVER (PARTITION BY worker_id ORDER BY finished_at) AS before FROM recent),
        timed AS (
            SELECT model, kind, work, finished_at, greatest(0.001, extract(epoch FROM finished_at
                - CASE WHEN coalesce(w.slots, 1) = 1 AND before > spans.started_at THEN before ELSE spans.started_at END))::double precision AS seconds
            FROM spans LEFT JOIN workers w ON w.id = worker_id WHERE work IS NOT NULL AND attempt = 1),
        plain AS (
            SELECT model, kind, avg(seconds) AS mean, regr_intercept(seconds, work) AS start, regr_slope(seconds, work) AS slope
            FROM timed GROUP BY model, kind),
        weighted AS (
            -- Relative to what is expected: relative to what was measured, a job that happened to be short would count most
            SELECT timed.*, power(0.97::double precision, row_number() OVER (PARTITION BY model, kind ORDER BY finished_at DESC) - 1)
                / power(greatest(coalesce(start + slope * work, mean), mean / 10), 2) AS weight
            FROM timed JOIN plain USING (model, kind))
        SELECT model, kind, count(*), sum(weight), sum(weight * work), sum(weight * seconds), sum(weight * work * work), sum(weight * work * seconds), avg(work)
        FROM weighted GROUP BY model, kind
        """;

    public async Task<IReadOnlyList<RunTime>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var batch = new JobBatch(source);
        batch.Add(Sql);
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        var times = new List<RunTime>();
        while (await reader.ReadAsync(cancellationToken))
        {
            (double perJob, double perWork) = Line(reader.GetDouble(3), reader.GetDouble(4), reader.GetDouble(5), reader.GetDouble(6), reader.GetDouble(7));
            times.Add(new RunTime(reader.GetString(0), (JobKind)reader.GetInt16(1), reader.GetInt64(2), perJob, perWork)
            {
                MeanWork = reader.GetDouble(8),
            });
        }

        return times;
    }

    /// <summary>Of weighted sums: of weights, of work, of seconds, of work squared, of work times seconds.</summary>
    private static (double Fixed, double PerWork) Line(double n, double work, double seconds, double workSquared, double product)
    {
        double mean = work / n;
        double spread = (workSquared / n) - (mean * mean);
        if (mean <= 0)
        {
            return (seconds / n, 0);
        }

        if (spread < LeastSpread * mean * mean)
        {
            return (0, seconds / work);
        }

        double slope = ((product / n) - (mean * seconds / n)) / spread;
        double start = (seconds / n) - (slope * mean);
        // Neither does more work take less time, nor none at all less than none
        return slope < 0 ? (seconds / n, 0) : start < 0 ? (0, product / workSquared) : (start, slope);
    }
}
