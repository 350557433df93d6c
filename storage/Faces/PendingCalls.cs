using System.Globalization;
using Generation.Contracts;
using Generation.Storage.Redis;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Generation.Storage.Faces;

/// <summary>
/// Blocking calls whose client has not got the answer yet, by what they asked for. A call that is repeated after its connection or the API
/// was lost continues with the jobs of the first. They are kept in Redis for a while; without Redis a repeated call is a new one.
/// </summary>
public sealed class PendingCalls(RedisConnection redis, RedisOptions options, ILogger<PendingCalls> logger)
{
    /// <summary>How long after its last sign of life a call's waiter counts as gone.</summary>
    private static readonly TimeSpan Alive = TimeSpan.FromSeconds(6);

    // KEYS: the list of calls. ARGV: prefix of a call's key, prefix of its waiter's key, 1 for also those that are waited for, ms to live
    // of the waiter's key
    private const string TakeScript = """
        for _, call in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
            local waiter = ARGV[2] .. call
            if redis.call('EXISTS', ARGV[1] .. call) == 0 then
                redis.call('LREM', KEYS[1], 0, call)
            elseif ARGV[3] == '1' or redis.call('EXISTS', waiter) == 0 then
                redis.call('SET', waiter, '1', 'PX', ARGV[4])
                return call
            end
        end
        return false
        """;

    private long _lastWarning;

    /// <summary>How often a waiter has to give a sign of life.</summary>
    public static TimeSpan TellInterval => Alive / 3;

    private TimeSpan Timeout => TimeSpan.FromMilliseconds(options.TimeoutMilliseconds);

    /// <summary>Takes over a call that asked for the same and has no waiter any more; null if there is none.</summary>
    /// <param name="request">The hash of account and request.</param>
    /// <param name="evenIfWaitedFor">
    /// Whether the client says that this is its repeated call, so that the waiter of the first does not mean that there is another client.
    /// </param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task<string?> TakeAsync(string request, bool evenIfWaitedFor, CancellationToken cancellationToken) =>
        await TryAsync<string?>(
            async db =>
            {
                RedisResult call = await db.ScriptEvaluateAsync(
                    TakeScript,
                    [Requests(request)],
                    [Call(""), Waiter(""), evenIfWaitedFor ? 1 : 0, (long)Alive.TotalMilliseconds]
                );
                return call.IsNull ? null : (string?)call;
            },
            null,
            cancellationToken
        );

    /// <summary>The jobs of a call, by their index in it.</summary>
    public async Task<IReadOnlyDictionary<int, JobId>> JobsAsync(string call, CancellationToken cancellationToken) =>
        await TryAsync<IReadOnlyDictionary<int, JobId>>(
            async db =>
                (await db.HashGetAllAsync(Call(call)))
                    .Where(e => JobId.TryParse(e.Value, null, out _))
                    .ToDictionary(e => (int)e.Name, e => JobId.Parse(e.Value!)),
            new Dictionary<int, JobId>(),
            cancellationToken
        );

    /// <summary>Records a job of a call, and that the call is waited for.</summary>
    public async Task AddAsync(string request, string call, int place, JobId job, TimeSpan keep, CancellationToken cancellationToken) =>
        await TryAsync(
            async db =>
            {
                long seconds = Math.Max(1, (long)keep.TotalSeconds);
                bool isNew = !await db.KeyExistsAsync(Call(call));
                await db.HashSetAsync(Call(call), place, job.ToString());
                await db.KeyExpireAsync(Call(call), TimeSpan.FromSeconds(seconds));
                await db.StringSetAsync(Waiter(call), "1", Alive);
                if (isNew)
                {
                    await db.ListLeftPushAsync(Requests(request), call);
                }

                await db.KeyExpireAsync(Requests(request), TimeSpan.FromSeconds(seconds));
                return true;
            },
            false,
            cancellationToken
        );

    /// <summary>Records that a call is waited for.</summary>
    public async Task TellAsync(string call, TimeSpan keep, CancellationToken cancellationToken) =>
        await TryAsync(
            async db =>
            {
                await db.KeyExpireAsync(Call(call), keep);
                return await db.StringSetAsync(Waiter(call), "1", Alive);
            },
            false,
            cancellationToken
        );

    /// <summary>Called when a waiter ends without having answered: a repeated call may take the call over at once.</summary>
    public async Task LeaveAsync(string call, CancellationToken cancellationToken) =>
        await TryAsync(db => db.KeyDeleteAsync(Waiter(call)), false, cancellationToken);

    /// <summary>Called when a call is answered, or its jobs are cancelled.</summary>
    public async Task RemoveAsync(string request, string call, CancellationToken cancellationToken) =>
        await TryAsync(
            async db =>
            {
                await db.ListRemoveAsync(Requests(request), call);
                await db.KeyDeleteAsync(Waiter(call));
                return await db.KeyDeleteAsync(Call(call));
            },
            false,
            cancellationToken
        );

    private async Task<T> TryAsync<T>(Func<IDatabase, Task<T>> act, T otherwise, CancellationToken cancellationToken)
    {
        try
        {
            IDatabase db = await redis.DatabaseAsync(Timeout, cancellationToken);
            return await act(db).WaitAsync(Timeout, cancellationToken);
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            long now = Environment.TickCount64;
            if (now - Interlocked.Exchange(ref _lastWarning, now) > 10_000)
            {
                RedisLog.Failed(logger, e.Message);
            }

            return otherwise;
        }
    }

    private string Requests(string request) => $"{options.KeyPrefix}calls:{request}";

    private string Call(string call) => string.Create(CultureInfo.InvariantCulture, $"{options.KeyPrefix}call:{call}");

    private string Waiter(string call) => $"{options.KeyPrefix}waiter:{call}";
}
