using Generation.Contracts;
using Npgsql;

namespace Generation.Storage.Jobs;

/// <summary>An idempotency key that was used, and the first answer.</summary>
/// <param name="Fingerprint">SHA-256 of the request.</param>
/// <param name="JobId">The job that was made.</param>
/// <param name="IsInFlight">Whether the first request may still be in progress.</param>
/// <param name="Status">The status of the first answer, or null.</param>
/// <param name="Body">The body of the first answer, or null.</param>
public sealed record IdempotencyRecord(byte[] Fingerprint, JobId JobId, bool IsInFlight, int? Status, byte[]? Body);

/// <summary>
/// The answers to requests with an Idempotency-Key. The key is written in the transaction that makes its job
/// (<see cref="JobStore.SubmitAsync"/>), so that there is never a key without a job, or a second job.
/// </summary>
public sealed class IdempotencyStore(NpgsqlDataSource source)
{
    public async Task<IdempotencyRecord?> FindAsync(Guid accountId, string key, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            SELECT fingerprint, job_id, body IS NULL AND in_flight_until > now(), status, body
            FROM idempotency_keys WHERE account_id = $1 AND key = $2
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new IdempotencyRecord(
                reader.GetFieldValue<byte[]>(0),
                new JobId(reader.GetGuid(1)),
                reader.GetBoolean(2),
                reader.IsDBNull(3) ? null : reader.GetInt32(3),
                reader.IsDBNull(4) ? null : reader.GetFieldValue<byte[]>(4)
            )
            : null;
    }

    /// <summary>Stores the first answer; false if there is one already.</summary>
    public async Task<bool> AnswerAsync(Guid accountId, string key, int status, byte[] body, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "UPDATE idempotency_keys SET status = $3, body = $4 WHERE account_id = $1 AND key = $2 AND body IS NULL"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = status });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = body });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>Deletes keys older than <paramref name="remembered"/>, of jobs and of operators' credits.</summary>
    public async Task<int> ForgetAsync(TimeSpan remembered, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            WITH credits AS (DELETE FROM credit_keys WHERE created_at < now() - $1)
            DELETE FROM idempotency_keys WHERE created_at < now() - $1
            """
        );
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = remembered });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
