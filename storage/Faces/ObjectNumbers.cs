using Npgsql;

namespace Generation.Storage.Faces;

/// <summary>
/// Integers as additional ids of jobs and uploads, for clients that take no others. A number is assigned once and stays. It does not say
/// whose the object is, which the caller has to check.
/// </summary>
public sealed class ObjectNumbers(NpgsqlDataSource source)
{
    /// <summary>The number of an object; it is assigned if the object has none yet.</summary>
    public async Task<long> OfAsync(Guid id, CancellationToken cancellationToken)
    {
        // Looked for first: an insert that meets a conflict would use up a number
        while (true)
        {
            long? number = await NumberAsync("SELECT number FROM object_numbers WHERE id = $1", id, cancellationToken)
                ?? await NumberAsync(
                    "INSERT INTO object_numbers (id) VALUES ($1) ON CONFLICT (id) DO NOTHING RETURNING number",
                    id,
                    cancellationToken
                );
            if (number is { } known)
            {
                return known;
            }
        }
    }

    /// <summary>The object with a number; null if there is none.</summary>
    public async Task<Guid?> FindAsync(long number, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT id FROM object_numbers WHERE number = $1");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = number });
        return await command.ExecuteScalarAsync(cancellationToken) as Guid?;
    }

    private async Task<long?> NumberAsync(string sql, Guid id, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return await command.ExecuteScalarAsync(cancellationToken) as long?;
    }
}
