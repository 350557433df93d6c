using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Generation.Storage.Redis;

/// <summary>Whether a call may go on.</summary>
/// <param name="Allowed">Whether the call may go on.</param>
/// <param name="Remaining">Calls that could follow at once.</param>
/// <param name="RetryAfter">When not allowed: how long until it would be.</param>
/// <param name="ResetAfter">How long until a whole burst is possible again.</param>
public sealed record RateDecision(bool Allowed, int Remaining, TimeSpan RetryAfter, TimeSpan ResetAfter);

/// <summary>
/// The generic cell rate algorithm (ITU-T I.371) in Redis, by Redis's clock: exact over all processes, one key and one
/// round trip for a call. While Redis is away, calls go on.
/// </summary>
public sealed class RateLimiter(RedisConnection redis, RedisOptions options, ILogger<RateLimiter> logger)
{
    // ARGV: microseconds between calls, burst. The key holds the theoretical arrival time of the next call.
    private const string Script = """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local gap = tonumber(ARGV[1])
        local tolerance = gap * (tonumber(ARGV[2]) - 1)
        local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
        if tat - now > tolerance then
            return {0, 0, string.format('%.0f', tat - now - tolerance), string.format('%.0f', tat - now)}
        end
        local next = tat + gap
        redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1000)
        return {1, math.floor((tolerance - (next - now) + gap) / gap), '0', string.format('%.0f', next - now)}
        """;

    private long _lastWarning;

    /// <summary>Counts a call of <paramref name="key"/>, unless it is refused.</summary>
    public async Task<RateDecision> TakeAsync(string key, double perSecond, int burst, CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromMilliseconds(options.TimeoutMilliseconds);
        try
        {
            IDatabase db = await redis.DatabaseAsync(timeout, cancellationToken);
            RedisResult result = await db.ScriptEvaluateAsync(Script, [$"{options.KeyPrefix}rate:{key}"], [1_000_000 / perSecond, burst])
                .WaitAsync(timeout, cancellationToken);
            var parts = (RedisResult[])result!;
            return new RateDecision((int)parts[0] == 1, (int)parts[1], Micros(parts[2]), Micros(parts[3]));
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            long now = Environment.TickCount64;
            if (now - Interlocked.Exchange(ref _lastWarning, now) > 10_000)
            {
                RedisLog.Failed(logger, e.Message);
            }

            return new RateDecision(true, burst, TimeSpan.Zero, TimeSpan.Zero);
        }

        static TimeSpan Micros(RedisResult value) => TimeSpan.FromMicroseconds(double.Parse((string)value!));
    }
}
