using System.Diagnostics.CodeAnalysis;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage;

/// <summary>
/// Statements over many or few jobs in one transaction and one round trip, by indexes alone. Locks are taken as everywhere, jobs
/// before accounts, and each kind in order of the ids, so that batches cannot block each other in a circle.
/// </summary>
internal sealed class JobBatch : IAsyncDisposable
{
    private readonly NpgsqlBatch _batch;

    /// <param name="durable">Whether a crash of the database may not undo it; false for what is done again then, which spares waiting for the disk.</param>
    public JobBatch(NpgsqlDataSource source, bool durable = true)
    {
        _batch = source.CreateBatch();
        // A plan is kept, since making one takes longer than carrying it out; and the one that is best for an almost empty table
        // would read it from end to end for ever after. A bitmap is read to its end, too, and with all rows that are gone: an
        // index scan marks those, and the next passes them by
        _batch.BatchCommands.Add(new NpgsqlBatchCommand(
            "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"
            + (durable ? "" : ", set_config('synchronous_commit', 'off', true)")));
    }

    public void LockJobs(IEnumerable<Guid> ids) => Add(
        "SELECT 1 FROM jobs WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE", Column(NpgsqlDbType.Uuid, ids));

    public void LockAccounts(IEnumerable<Guid> ids) => Add(
        "SELECT 1 FROM accounts WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE", Column(NpgsqlDbType.Uuid, ids.Distinct()));

    public void LockAccountsOfJobs(IEnumerable<Guid> ids) => Add(
        "SELECT 1 FROM accounts WHERE id IN (SELECT account_id FROM jobs WHERE id = ANY ($1)) ORDER BY id FOR NO KEY UPDATE",
        Column(NpgsqlDbType.Uuid, ids));

    /// <summary>A statement whose parameters are columns: each has an element for each job.</summary>
    [SuppressMessage("Security", "CA2100", Justification = "Statements are put together from constants only.")]
    public void Add(string sql, params NpgsqlParameter[] columns)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.AddRange(columns);
        _batch.BatchCommands.Add(command);
    }

    public static NpgsqlParameter Column<T>(NpgsqlDbType type, IEnumerable<T> values) =>
        new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type };

    /// <summary>Runs all of it; the reader stands at the last statement's rows. What changes something is not given up halfway: no token.</summary>
    public async Task<NpgsqlDataReader> ExecuteAsync(CancellationToken cancellationToken = default)
    {
        NpgsqlDataReader reader = await _batch.ExecuteReaderAsync(cancellationToken);
        for (int i = 1; i < _batch.BatchCommands.Count; i++)
        {
            await reader.NextResultAsync(cancellationToken);
        }

        return reader;
    }

    public ValueTask DisposeAsync() => _batch.DisposeAsync();
}
