using Generation.Contracts;
using Npgsql;

namespace Generation.Storage.Prices;

/// <summary>The price of jobs of one kind on one model, in credits, from the time that finished jobs took.</summary>
/// <param name="Model">The model.</param>
/// <param name="Kind">The kind.</param>
/// <param name="PerJob">The price of every job, however small.</param>
/// <param name="PerWork">The price per unit of work, as <see cref="JobPlan.Work"/> counts it.</param>
/// <param name="Jobs">The number of finished jobs that it was measured from.</param>
public sealed record MeasuredPrice(string Model, JobKind Kind, decimal PerJob, decimal PerWork, long Jobs)
{
    public decimal Of(decimal work) => PerJob + (PerWork * work);
}

/// <summary>Prices that follow from measured run times. They stay the same from job to job until run times have changed much.</summary>
public sealed class MeasuredPriceStore(NpgsqlDataSource source)
{
    public async Task<IReadOnlyList<MeasuredPrice>> ReadAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "SELECT model, kind, per_job, per_work, jobs FROM measured_prices ORDER BY model, kind"
        );
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var prices = new List<MeasuredPrice>();
        while (await reader.ReadAsync(cancellationToken))
        {
            prices.Add(
                new MeasuredPrice(
                    reader.GetString(0),
                    (JobKind)reader.GetInt16(1),
                    reader.GetDecimal(2),
                    reader.GetDecimal(3),
                    reader.GetInt64(4)
                )
            );
        }

        return prices;
    }

    /// <summary>Replaces an earlier price.</summary>
    public async Task KeepAsync(MeasuredPrice price, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            INSERT INTO measured_prices (model, kind, per_job, per_work, jobs) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (model, kind) DO UPDATE
                SET per_job = excluded.per_job, per_work = excluded.per_work, jobs = excluded.jobs, measured_at = now()
            """
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = price.Model });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)price.Kind });
        command.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = price.PerJob });
        command.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = price.PerWork });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = price.Jobs });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// The price of a second in credits: as it was first found, or <paramref name="proposed"/> where it was not found yet.
    /// </summary>
    public async Task<decimal> RateAsync(decimal proposed, string model, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            WITH new AS (INSERT INTO price_rate (credits_per_second, model) VALUES ($1,
            $2) ON CONFLICT DO NOTHING RETURNING credits_per_second)
            SELECT credits_per_second FROM new UNION ALL SELECT credits_per_second FROM price_rate LIMIT 1
            """
        );
        command.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = proposed });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model });
        return await command.ExecuteScalarAsync(cancellationToken) is decimal rate ? rate : proposed;
    }
}
