using Generation.Contracts;
using Generation.Storage.Database;
using Npgsql;

namespace Generation.Storage.Jobs;

/// <summary>The run time of jobs of one kind on one model: a fixed time for each job, and a time for each unit of work.</summary>
/// <param name="Model">The model.</param>
/// <param name="Kind">The kind.</param>
/// <param name="Jobs">The number of finished jobs that it was measured from.</param>
/// <param name="FixedSeconds">The seconds that every job takes, however small.</param>
/// <param name="SecondsPerWork">The seconds per unit of work, as <see cref="JobPlan.Work"/> counts it.</param>
public sealed record RunTime(string Model, JobKind Kind, long Jobs, double FixedSeconds, double SecondsPerWork)
{
    /// <summary>The mean work of a job.</summary>
    public double MeanWork { get; init; }

    public double SecondsOf(double work) => FixedSeconds + (SecondsPerWork * work);
}

/// <summary>
/// Run times measured from finished jobs: a line fitted through their seconds over their work, by least squares of the relative errors, in
/// which the newest jobs have the largest weight. Where a worker with one slot overlaps the ends of two jobs, a job's time counts from the
/// end of the one before.
/// </summary>
public sealed class RunTimes(NpgsqlDataSource source)
{
    /// <summary>The least spread of work, as a share of its mean, from which the dependence of the time on it can be measured.</summary>
    private const double LeastSpread = 0.01;

    private static readonly Statement RunTimesSql = new("run-times");

    public async Task<IReadOnlyList<RunTime>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var batch = new JobBatch(source);
        batch.Add(RunTimesSql.InBatch());
        await using NpgsqlDataReader reader = await batch.ExecuteAsync(cancellationToken);
        var times = new List<RunTime>();
        while (await reader.ReadAsync(cancellationToken))
        {
            (double perJob, double perWork) = Line(
                reader.GetDouble(3),
                reader.GetDouble(4),
                reader.GetDouble(5),
                reader.GetDouble(6),
                reader.GetDouble(7)
            );
            times.Add(
                new RunTime(reader.GetString(0), (JobKind)reader.GetInt16(1), reader.GetInt64(2), perJob, perWork)
                {
                    MeanWork = reader.GetDouble(8),
                }
            );
        }

        return times;
    }

    /// <summary>Fits the line from weighted sums: of weights, of work, of seconds, of work squared, and of work times seconds.</summary>
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
        return slope < 0 ? (seconds / n, 0)
            : start < 0 ? (0, product / workSquared)
            : (start, slope);
    }
}
