using System.Diagnostics.CodeAnalysis;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage;

/// <summary>
/// One transition of any number of jobs in one transaction and one round trip. Locks are taken as everywhere, jobs
/// before accounts, and each kind in order of the ids, so that batches cannot block each other in a circle.
/// </summary>
internal sealed class JobBatch : IAsyncDisposable
{
    private readonly NpgsqlBatch _batch;

    public JobBatch(NpgsqlDataSource source)
    {
        _batch = source.CreateBatch();
        // A plan is kept, and the one that is best for an almost empty table reads it from end to end for ever after
        _batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT set_config('enable_seqscan', 'off', true)"));
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

    /// <summary>Runs all of it; the reader stands at the last statement's rows.</summary>
    public async Task<NpgsqlDataReader> ExecuteAsync()
    {
        NpgsqlDataReader reader = await _batch.ExecuteReaderAsync();
        for (int i = 1; i < _batch.BatchCommands.Count; i++)
        {
            await reader.NextResultAsync();
        }

        return reader;
    }

    public ValueTask DisposeAsync() => _batch.DisposeAsync();
}
