using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Redis;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Generation.Storage.Jobs;

/// <summary>A job as it is published in Redis.</summary>
/// <param name="Account">The account that owns it.</param>
/// <param name="State">Its state.</param>
/// <param name="Revision">The revision of the row that the document was made from.</param>
/// <param name="Document">The document as UTF-8 JSON, without progress.</param>
/// <param name="Progress">The progress of a running job.</param>
public sealed record HotJob(Guid Account, JobState State, long Revision, byte[] Document, JobProgress? Progress);

/// <summary>
/// What polls read: each job's document and progress in Redis, and a channel per job that announces changes. Redis only publishes what
/// PostgreSQL knows: every key may vanish at any moment, no write here is waited for, and a document is only ever replaced by one of a
/// higher revision. A write whose connection breaks is tried again; it does no harm if it happens twice or late.
/// </summary>
public sealed class HotState(RedisConnection redis, RedisOptions options, ILogger<HotState> logger)
{
    // KEYS: the job. ARGV: revision, document, account, state, epoch, seconds to live, channel
    private const string ShowScript = """
        local known = tonumber(redis.call('HGET', KEYS[1], 'rev') or '-1')
        if known >= tonumber(ARGV[1]) then return 0 end
        redis.call('HSET', KEYS[1], 'rev', ARGV[1], 'doc', ARGV[2], 'account', ARGV[3], 'state', ARGV[4])
        if ARGV[4] ~= '1' then redis.call('HDEL', KEYS[1], 'step', 'steps', 'preview') end
        if tonumber(redis.call('HGET', KEYS[1], 'epoch') or '-1') < tonumber(ARGV[5]) then
            redis.call('HDEL', KEYS[1], 'step', 'steps', 'preview')
            redis.call('HSET', KEYS[1], 'epoch', ARGV[5])
        end
        redis.call('EXPIRE', KEYS[1], ARGV[6])
        redis.call('PUBLISH', ARGV[7], ARGV[1])
        return 1
        """;

    // KEYS: the job. ARGV: epoch, step, steps, seconds to live, channel, preview ('' for none)
    private const string ProgressScript = """
        local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '-1')
        if epoch > tonumber(ARGV[1]) then return 0 end
        if epoch == tonumber(ARGV[1]) and tonumber(redis.call('HGET', KEYS[1], 'step') or '-1') > tonumber(ARGV[2]) then return 0 end
        local state = redis.call('HGET', KEYS[1], 'state')
        if state and state ~= '1' and state ~= '0' then return 0 end
        redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'step', ARGV[2], 'steps', ARGV[3])
        if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'preview', ARGV[6]) end
        if not state then redis.call('EXPIRE', KEYS[1], ARGV[4]) end
        redis.call('PUBLISH', ARGV[5], 'p' .. ARGV[2])
        return 1
        """;

    // KEYS: the job. ARGV: revision
    private const string WithdrawScript = """
        if redis.call('HGET', KEYS[1], 'rev') ~= ARGV[1] then return 0 end
        return redis.call('DEL', KEYS[1])
        """;

    /// <summary>What took longer to be published may have been overtaken by what was published, and lost, meanwhile.</summary>
    private static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(1);

    private static readonly RedisValue[] Fields = ["rev", "doc", "account", "state", "step", "steps"];

    private long _lastWarning;

    private TimeSpan Timeout => TimeSpan.FromMilliseconds(options.TimeoutMilliseconds);

    /// <summary>Publishes a job as it is now, unless a newer revision is published already. Returns at once.</summary>
    public void Show(JobRow row) => _ = ShowAsync(row);

    private async Task ShowAsync(JobRow row)
    {
        byte[] document = JsonSerializer.SerializeToUtf8Bytes(row.ToDocument(), WireJson.Options);
        int seconds = row.State.IsFinal() ? options.FinalSeconds : options.OpenSeconds;
        long begin = Stopwatch.GetTimestamp();
        await TryAsync(db =>
            db.ScriptEvaluateAsync(
                ShowScript,
                [Key(row.Id)],
                [row.Revision, document, row.AccountId.ToString("N"), (int)row.State, row.LeaseEpoch, seconds, Channel(row.Id)],
                CommandFlags.CommandRetryWriteChecked
            )
        );
        if (Stopwatch.GetElapsedTime(begin) > LateAfter)
        {
            // It waited for a connection. If Redis lost its data in that time, the newer revision that would have refused this one is
            // gone, and the job would be shown as it was: without it, the next poll asks PostgreSQL
            await TryAsync(db =>
                db.ScriptEvaluateAsync(WithdrawScript, [Key(row.Id)], [row.Revision], CommandFlags.CommandRetryWriteChecked)
            );
        }
    }

    /// <summary>Removes everything about a job, because it is deleted. Returns at once, before it is done.</summary>
    public void Forget(JobId id) => _ = TryAsync(db => db.KeyDeleteAsync(Key(id), CommandFlags.CommandRetryWriteChecked));

    /// <summary>
    /// Publishes the progress of a running job. Returns at once. The call is ignored if the worker's lease epoch is not the newest, or the
    /// step is before the one that is published. <paramref name="preview"/> is a small encoded picture, or null.
    /// </summary>
    public void ShowProgress(JobId id, long epoch, JobProgress progress, byte[]? preview = null) =>
        _ = TryAsync(db =>
            db.ScriptEvaluateAsync(
                ProgressScript,
                [Key(id)],
                [epoch, progress.Step, progress.Steps, options.OpenSeconds, Channel(id), preview ?? []],
                CommandFlags.CommandRetryWriteChecked
            )
        );

    /// <summary>Reads a job from Redis; null when Redis does not have it, or does not answer in time.</summary>
    public async Task<HotJob?> FindAsync(JobId id, CancellationToken cancellationToken)
    {
        RedisValue[] values;
        try
        {
            IDatabase db = await redis.DatabaseAsync(Timeout, cancellationToken);
            values = await db.HashGetAsync(Key(id), Fields).WaitAsync(Timeout, cancellationToken);
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            Warn(e);
            return null;
        }

        if (values[0].IsNull || values[1].IsNull || !Guid.TryParseExact(values[2], "N", out Guid account))
        {
            return null;
        }

        JobProgress? progress = values[4].IsNull || values[5].IsNull ? null : new JobProgress((int)values[4], (int)values[5]);
        var state = (JobState)(int)values[3];
        return new HotJob(account, state, (long)values[0], values[1]!, state == JobState.Running ? progress : null);
    }

    /// <summary>The newest preview of a running job, or null.</summary>
    public async Task<byte[]?> PreviewAsync(JobId id, CancellationToken cancellationToken)
    {
        try
        {
            IDatabase db = await redis.DatabaseAsync(Timeout, cancellationToken);
            return await db.HashGetAsync(Key(id), "preview").WaitAsync(Timeout, cancellationToken);
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            Warn(e);
            return null;
        }
    }

    /// <summary>
    /// Calls <paramref name="changed"/> at each change of the job until disposed. Changes may be missed, so poll as well.
    /// </summary>
    public async Task<IAsyncDisposable> SubscribeAsync(JobId id, Action changed, CancellationToken cancellationToken) =>
        await SubscribeAsync(RedisChannel.Literal(Channel(id)), _ => changed(), cancellationToken);

    /// <summary>Tells the worker that runs a job to stop it. The message may be lost: the worker's next renewal says so, too.</summary>
    public void TellWorkerToCancel(JobId id) =>
        _ = TryAsync(db => db.PublishAsync(CancelChannel, id.ToString(), CommandFlags.CommandRetryWriteLastWins));

    /// <summary>Calls <paramref name="cancel"/> for each running job that its owner cancels, until disposed.</summary>
    public async Task<IAsyncDisposable> SubscribeToCancelsAsync(Action<JobId> cancel, CancellationToken cancellationToken) =>
        await SubscribeAsync(
            CancelChannel,
            message =>
            {
                if (JobId.TryParse(message, null, out JobId id))
                {
                    cancel(id);
                }
            },
            cancellationToken
        );

    private async Task<IAsyncDisposable> SubscribeAsync(RedisChannel channel, Action<string?> handle, CancellationToken cancellationToken)
    {
        try
        {
            ConnectionMultiplexer connection = await redis.ConnectAsync(cancellationToken).WaitAsync(Timeout, cancellationToken);
            ChannelMessageQueue queue = await connection.GetSubscriber().SubscribeAsync(channel).WaitAsync(Timeout, cancellationToken);
            queue.OnMessage(message => handle(message.Message));
            return new Subscription(queue);
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            Warn(e);
            return Subscription.None;
        }
    }

    private async Task TryAsync(Func<IDatabaseAsync, Task> write)
    {
        try
        {
            await write(await redis.RetryingDatabaseAsync());
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            Warn(e);
        }
    }

    /// <summary>Logs at most one line in ten seconds, because Redis being away is one event, and not one for each job.</summary>
    private void Warn(Exception e)
    {
        long now = Environment.TickCount64;
        long last = Volatile.Read(ref _lastWarning);
        if (now - last > 10_000 && Interlocked.CompareExchange(ref _lastWarning, now, last) == last)
        {
            RedisLog.Failed(logger, e.Message);
        }
    }

    private RedisKey Key(JobId id) => string.Create(CultureInfo.InvariantCulture, $"{options.KeyPrefix}job:{id}");

    // As a value: PUBLISH inside a script takes it as an argument
    private string Channel(JobId id) => $"{options.KeyPrefix}job:{id}";

    private RedisChannel CancelChannel => RedisChannel.Literal(options.KeyPrefix + "cancel");

    private sealed class Subscription(ChannelMessageQueue? queue) : IAsyncDisposable
    {
        public static readonly Subscription None = new(null);

        public async ValueTask DisposeAsync()
        {
            if (queue is not null)
            {
                try
                {
                    await queue.UnsubscribeAsync().WaitAsync(TimeSpan.FromSeconds(1));
                }
                catch (Exception e) when (RedisConnection.IsTrouble(e))
                {
                    // Then there is nothing to leave
                }
            }
        }
    }
}
