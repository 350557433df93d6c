using Npgsql;

namespace Generation.Storage.Faces;

/// <summary>
/// Whole numbers as further names of jobs and uploads, for clients that take no others. A number is given once and
/// stays; it says nothing about whose the object is, which whoever looks it up has to check.
/// </summary>
public sealed class ObjectNumbers(NpgsqlDataSource source)
{
    /// <summary>The number of an object; the next free one if it has none yet.</summary>
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

    /// <summary>The object of a number; null if none has it.</summary>
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
