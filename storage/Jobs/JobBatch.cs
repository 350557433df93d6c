using Generation.Storage.Database;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Jobs;

/// <summary>
/// Statements over many or few jobs in one transaction and one round trip, by indexes alone. Locks are taken as everywhere, jobs
/// before accounts, and each kind in order of the ids, so that batches cannot block each other in a circle.
/// </summary>
internal sealed class JobBatch : IAsyncDisposable
{
    private static readonly Statement LockJobsSql = new("lock-jobs", ("ids", NpgsqlDbType.Array | NpgsqlDbType.Uuid));

    private static readonly Statement LockAccountsSql = new(
        "lock-accounts",
        ("ids", NpgsqlDbType.Array | NpgsqlDbType.Uuid),
        ("dispatch", NpgsqlDbType.Text)
    );

    private static readonly Statement LockAccountsOfJobsSql = new("lock-accounts-of-jobs", ("ids", NpgsqlDbType.Array | NpgsqlDbType.Uuid));

    private static readonly Statement LockDispatchSql = new("lock-dispatch", ("model", NpgsqlDbType.Text));

    // A plan is kept, since making one takes longer than carrying it out; and the one that is best for an almost empty table
    // would read it from end to end for ever after. A bitmap is read to its end, too, and with all rows that are gone: an
    // index scan marks those, and the next passes them by
    private static readonly (string Name, string Value)[] Settings =
    [
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("enable_bitmapscan", "off"),
    ];

    private readonly NpgsqlBatch _batch;
    private readonly DedicatedPool? _pool;
    private NpgsqlConnection? _connection;

    /// <param name="durable">Whether a crash of the database may not undo it; false for what is done again then, which spares waiting for
    /// the disk.</param>
    public JobBatch(NpgsqlDataSource source, bool durable = true)
    {
        _batch = source.CreateBatch();
        _batch.BatchCommands.Add(
            new NpgsqlBatchCommand(
                "SELECT "
                    + string.Join(", ", Settings.Select(s => $"set_config('{s.Name}', '{s.Value}', true)"))
                    + (durable ? "" : ", set_config('synchronous_commit', 'off', true)")
            )
        );
    }

    /// <param name="pool">Whose connections know <see cref="SessionSql"/>.</param>
    public JobBatch(DedicatedPool pool) => (_batch, _pool) = (new NpgsqlBatch(), pool);

    /// <summary>What a connection that carries out nothing but such batches is told once.</summary>
    public static string SessionSql { get; } = string.Join("; ", Settings.Select(s => $"SET {s.Name} = {s.Value}"));

    public void LockJobs(IEnumerable<Guid> ids) => Add(LockJobsSql.InBatch(ids.ToArray()));

    /// <summary>
    /// Locks the accounts; with <paramref name="dispatch"/>, before them, the right to choose what is sent to that model's queue.
    /// </summary>
    public void LockAccounts(IEnumerable<Guid> ids, string? dispatch = null) =>
        Add(LockAccountsSql.InBatch(ids.Distinct().ToArray(), dispatch));

    public void LockAccountsOfJobs(IEnumerable<Guid> ids) => Add(LockAccountsOfJobsSql.InBatch(ids.ToArray()));

    /// <summary>One at a time chooses what is sent to a model's queue. Comes before the other locks.</summary>
    public void LockDispatch(string model) => Add(LockDispatchSql.InBatch(model));

    /// <summary>Adds a statement; returns its number, from 0.</summary>
    public int Add(NpgsqlBatchCommand command)
    {
        _batch.BatchCommands.Add(command);
        return _batch.BatchCommands.Count - 1;
    }

    /// <summary>
    /// Runs all of it; the reader stands at the last statement's rows. What changes something is not given up halfway: no token.
    /// </summary>
    public Task<NpgsqlDataReader> ExecuteAsync(CancellationToken cancellationToken = default) =>
        ExecuteAsync(_batch.BatchCommands.Count - 1, cancellationToken);

    /// <summary>
    /// Runs all of it; the reader stands at the rows of the statement of that number, from 0. Those before it must be such as have rows,
    /// if only none. Whether those after it went well is known once the reader has gone through their results, too.
    /// </summary>
    public async Task<NpgsqlDataReader> ExecuteAsync(int statement, CancellationToken cancellationToken = default)
    {
        if (_pool is not null)
        {
            _batch.Connection = _connection = await _pool.OpenAsync(cancellationToken);
        }

        NpgsqlDataReader reader = await _batch.ExecuteReaderAsync(cancellationToken);
        try
        {
            for (int i = 0; i < statement; i++)
            {
                await reader.NextResultAsync(cancellationToken);
            }

            return reader;
        }
        catch
        {
            // It has the connection, which nobody would give back
            await reader.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _batch.DisposeAsync();
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }
    }
}
