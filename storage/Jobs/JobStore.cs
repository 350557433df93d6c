using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Database;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Jobs;

/// <summary>
/// The life of jobs in PostgreSQL, which is the truth. There is one named method per transition, each of which runs one statement
/// (storage/Sql) that is conditional on the present state, and nothing else writes these rows. A transition changes the job, its outbox row
/// and its credits together or not at all.
/// </summary>
/// <remarks>
/// Times are the database's, so that all processes use one clock. Locks are taken in one order (job, then account), so that transitions
/// cannot deadlock. After a change the new document is published in Redis and dispatchers are woken; both may be lost.
/// </remarks>
public sealed partial class JobStore
{
    private static readonly Statement FindSql = new("find", ("id", NpgsqlDbType.Uuid), ("account_id", NpgsqlDbType.Uuid));

    private readonly NpgsqlDataSource _source;
    private readonly DedicatedPools _pools;
    private readonly HotState _hotState;
    private readonly DispatchSignal _signal;
    private readonly GroupCommit<NewJob, SubmitResult> _submits;
    private readonly GroupCommit<Claim, JobRow?> _claims;
    private readonly GroupCommit<Completion, JobRow?> _completions;

    public JobStore(NpgsqlDataSource source, DedicatedPools pools, HotState hotState, DispatchSignal signal)
    {
        (_source, _pools, _hotState, _signal) = (source, pools, hotState, signal);
        _submits = new GroupCommit<NewJob, SubmitResult>(SubmitAllAsync);
        _claims = new GroupCommit<Claim, JobRow?>(ClaimAllAsync);
        _completions = new GroupCommit<Completion, JobRow?>(CompleteAllAsync);
    }

    /// <summary>Finds one job, or null. With <paramref name="accountId"/> only if it is that account's.</summary>
    public async Task<JobRow?> FindAsync(JobId id, Guid? accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = FindSql.On(_source, id.Value, accountId);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? JobRow.ReadWithOutputs(reader) : null;
    }

    /// <summary>Runs a statement that returns the changed job, and publishes it; null if its condition was not met.</summary>
    private async Task<JobRow?> TransitionAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        JobRow? row = null;
        await using (command)
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                row = JobRow.Read(reader);
            }
        }

        if (row is not null)
        {
            _hotState.Show(row);
        }

        return row;
    }

    /// <summary>
    /// Finds out why a fenced statement matched nothing: whether an earlier try of it succeeded, the job is being cancelled, or the lease
    /// is lost.
    /// </summary>
    private async Task<FencedOutcome> WhyRefusedAsync(
        JobId id,
        long epoch,
        Func<JobRow, bool> isOwnDoing,
        CancellationToken cancellationToken
    ) =>
        await FindAsync(id, null, cancellationToken) switch
        {
            { } row when row.LeaseEpoch == epoch && isOwnDoing(row) => FencedOutcome.Done,
            { State: JobState.Running, CancelRequested: true } row when row.LeaseEpoch == epoch => FencedOutcome.CancelRequested,
            _ => FencedOutcome.Lost,
        };

    private static string? Json<T>(T? value) => value is null ? null : JsonSerializer.Serialize(value, WireJson.Options);

    /// <summary>The rows that a batch changed, each at the index of the (first) call that asked for it.</summary>
    private static async Task<IReadOnlyList<JobRow?>> RowsAsync(JobBatch batch, JobId[] ids)
    {
        var places = new Dictionary<JobId, int>(ids.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            places.TryAdd(ids[i], i);
        }

        var rows = new JobRow?[ids.Length];
        await using NpgsqlDataReader reader = await batch.ExecuteAsync();
        while (await reader.ReadAsync())
        {
            var row = JobRow.Read(reader);
            rows[places[row.Id]] = row;
        }

        return rows;
    }
}
