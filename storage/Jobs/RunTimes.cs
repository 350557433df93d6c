using Generation.Contracts;
using Generation.Storage.Database;
using Npgsql;

namespace Generation.Storage.Jobs;

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
        return slope < 0 ? (seconds / n, 0)
            : start < 0 ? (0, product / workSquared)
            : (start, slope);
    }
}
