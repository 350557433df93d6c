using Npgsql;

namespace Generation.Storm;

/// <summary>Looks at a storm's database from outside, by a way without a proxy; what a fault breaks is asked again.</summary>
internal sealed class StormDatabase(string connectionString) : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(connectionString + ";Maximum Pool Size=8;Timeout=5");

    /// <summary>The rows of a statement.</summary>
    /// <param name="sql">The statement, whose parameters are $1, $2, ...</param>
    /// <param name="values">Their values.</param>
    /// <param name="read">Reads one row.</param>
    /// <param name="token">Ends the look.</param>
    public async Task<IReadOnlyList<T>> RowsAsync<T>(string sql, object[] values, Func<NpgsqlDataReader, T> read, CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(Limit);
        while (true)
        {
            try
            {
                return await TryAsync(sql, values, read, limit.Token);
            }
            catch (NpgsqlException e) when (e is not PostgresException { IsTransient: false, SqlState: not "57P01" })
            {
                await Task.Delay(Pause, limit.Token);
            }
        }
    }

    /// <summary>The one number that a statement gives.</summary>
    public async Task<long> CountAsync(string sql, CancellationToken token) =>
        (await RowsAsync(sql, [], row => row.GetInt64(0), token)).Single();

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<IReadOnlyList<T>> TryAsync<T>(
        string sql,
        object[] values,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken
    )
    {
        var rows = new List<T>();
        await using NpgsqlCommand command = _source.CreateCommand(sql);
        command.CommandTimeout = 120;
        foreach (object value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }
}
