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
    // A plan is kept, since making one takes longer than carrying it out; and the one that is best for an almost empty table
    // would read it from end to end for ever after. A bitmap is read to its end, too, and with all rows that are gone: an
    // index scan marks those, and the next passes them by
    private static readonly (string Name, string Value)[] Settings =
        [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"), ("enable_bitmapscan", "off")];

    private readonly NpgsqlBatch _batch;
    private readonly Lane? _lane;
    private NpgsqlConnection? _connection;

    /// <param name="durable">Whether a crash of the database may not undo it; false for what is done again then, which spares waiting for the disk.</param>
    public JobBatch(NpgsqlDataSource source, bool durable = true)
    {
        _batch = source.CreateBatch();
        _batch.BatchCommands.Add(new NpgsqlBatchCommand(
            "SELECT " + string.Join(", ", Settings.Select(s => $"set_config('{s.Name}', '{s.Value}', true)"))
            + (durable ? "" : ", set_config('synchronous_commit', 'off', true)")));
    }

    /// <param name="lane">Whose connections know <see cref="LaneSql"/>.</param>
    public JobBatch(Lane lane) => (_batch, _lane) = (new NpgsqlBatch(), lane);

    /// <summary>What a connection that carries out nothing but such batches is told once.</summary>
    public static string LaneSql { get; } = string.Join("; ", Settings.Select(s => $"SET {s.Name} = {s.Value}"));

    public void LockJobs(IEnumerable<Guid> ids) => Add(
        "SELECT 1 FROM jobs WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE", Column(NpgsqlDbType.Uuid, ids));

    /// <summary>Locks the accounts; with <paramref name="dispatch"/>, before them, the right to choose what is sent to that model's queue.</summary>
    public void LockAccounts(IEnumerable<Guid> ids, string? dispatch = null)
    {
        const string Sql = "SELECT 1 FROM accounts WHERE id = ANY ($1){0} ORDER BY id FOR NO KEY UPDATE";
        if (dispatch is null)
        {
            Add(Sql.Replace("{0}", "", StringComparison.Ordinal), Column(NpgsqlDbType.Uuid, ids.Distinct()));
        }
        else
        {
            // A condition without columns is looked at before the first row
            Add(Sql.Replace("{0}", " AND (SELECT pg_advisory_xact_lock(hashtextextended('dispatch:' || $2, 0)) IS NOT NULL)", StringComparison.Ordinal),
                Column(NpgsqlDbType.Uuid, ids.Distinct()), new NpgsqlParameter<string> { TypedValue = dispatch });
        }
    }

    public void LockAccountsOfJobs(IEnumerable<Guid> ids) => Add(
        "SELECT 1 FROM accounts WHERE id IN (SELECT account_id FROM jobs WHERE id = ANY ($1)) ORDER BY id FOR NO KEY UPDATE",
        Column(NpgsqlDbType.Uuid, ids));

    /// <summary>One at a time chooses what is sent to a model's queue. Comes before the other locks.</summary>
    public void LockDispatch(string model) =>
        Add("SELECT pg_advisory_xact_lock(hashtextextended('dispatch:' || $1, 0))", new NpgsqlParameter<string> { TypedValue = model });

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

    /// <summary>What <see cref="Rows"/> reads: a column of the values of all, or the only value.</summary>
    public static NpgsqlParameter Column<TItem, T>(IReadOnlyList<TItem> items, NpgsqlDbType type, Func<TItem, T> value) => items.Count > 1
        ? Column(type, items.Select(value))
        : new() { Value = (object?)value(items[0]) ?? DBNull.Value, NpgsqlDbType = type };

    /// <summary>
    /// The parameters $1, $2 and so on as rows, to select from. A single row is no list: planned as what it is, and carried out in
    /// half the time.
    /// </summary>
    /// <param name="many">Whether each parameter is a column.</param>
    /// <param name="columns">Name and type of each, and more names for what comes with them.</param>
    public static string Rows(bool many, params (string Name, string Type)[] columns) => many
        ? $"unnest({string.Join(", ", columns.Select((c, i) => $"${i + 1}::{c.Type}[]"))}) WITH ORDINALITY AS i ({string.Join(", ", columns.Select(c => c.Name))}, number)"
        : $"(SELECT {string.Join(", ", columns.Select((c, i) => $"${i + 1}::{c.Type} AS {c.Name}"))}, 1::bigint AS number) AS i";

    /// <summary>Runs all of it; the reader stands at the last statement's rows. What changes something is not given up halfway: no token.</summary>
    public async Task<NpgsqlDataReader> ExecuteAsync(CancellationToken cancellationToken = default)
    {
        if (_lane is not null)
        {
            _batch.Connection = _connection = await _lane.OpenAsync(cancellationToken);
        }

        NpgsqlDataReader reader = await _batch.ExecuteReaderAsync(cancellationToken);
        try
        {
            for (int i = 1; i < _batch.BatchCommands.Count; i++)
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
