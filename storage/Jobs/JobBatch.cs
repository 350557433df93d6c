using Generation.Storage.Database;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Jobs;

/// <summary>
/// Statements over jobs in one transaction and one round trip, which use indexes only. Locks are taken in the same order everywhere, jobs
/// before accounts and each in order of the ids, so that batches cannot deadlock.
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

    /// <param name="durable">
    /// Whether the transaction must survive a crash of the database. False where its work would be repeated then, which avoids waiting for
    /// the disk.
    /// </param>
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

    /// <param name="pool">The pool whose connections have run <see cref="SessionSql"/>.</param>
    public JobBatch(DedicatedPool pool) => (_batch, _pool) = (new NpgsqlBatch(), pool);

    /// <summary>The statement to run once on connections that run nothing but such batches.</summary>
    public static string SessionSql { get; } = string.Join("; ", Settings.Select(s => $"SET {s.Name} = {s.Value}"));

    public void LockJobs(IEnumerable<Guid> ids) => Add(LockJobsSql.InBatch(ids.ToArray()));

    /// <summary>
    /// Locks the accounts and, with <paramref name="dispatch"/>, before them the right to choose what is sent to that model's queue.
    /// </summary>
    public void LockAccounts(IEnumerable<Guid> ids, string? dispatch = null) =>
        Add(LockAccountsSql.InBatch(ids.Distinct().ToArray(), dispatch));

    public void LockAccountsOfJobs(IEnumerable<Guid> ids) => Add(LockAccountsOfJobsSql.InBatch(ids.ToArray()));

    /// <summary>Locks the right to choose what is sent to a model's queue. It has to come before the other locks.</summary>
    public void LockDispatch(string model) => Add(LockDispatchSql.InBatch(model));

    /// <summary>Adds a statement, and returns its index, from 0.</summary>
    public int Add(NpgsqlBatchCommand command)
    {
        _batch.BatchCommands.Add(command);
        return _batch.BatchCommands.Count - 1;
    }

    /// <summary>
    /// Runs all statements; the reader is at the rows of the last one. There is no token, because a change must not be abandoned halfway.
    /// </summary>
    public Task<NpgsqlDataReader> ExecuteAsync(CancellationToken cancellationToken = default) =>
        ExecuteAsync(_batch.BatchCommands.Count - 1, cancellationToken);

    /// <summary>
    /// Runs all statements; the reader is at the rows of the statement with an index, from 0. Those before it must return rows, if only
    /// none. Whether those after it succeeded is known once the reader has read their results, too.
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
