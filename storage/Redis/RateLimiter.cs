using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Generation.Storage.Redis;

/// <summary>Whether a call is allowed by the rate limit.</summary>
/// <param name="Allowed">Whether the call is allowed.</param>
/// <param name="Remaining">How many calls could follow at once.</param>
/// <param name="RetryAfter">How long until a call is allowed, where this one is not.</param>
/// <param name="ResetAfter">How long until a whole burst is possible again.</param>
public sealed record RateDecision(bool Allowed, int Remaining, TimeSpan RetryAfter, TimeSpan ResetAfter);

/// <summary>
/// The generic cell rate algorithm (ITU-T I.371) in Redis, by Redis's clock: exact over all processes, one key and one round trip for a
/// call. While Redis is away, each process counts by itself what changes something, and lets reads go on.
/// </summary>
public sealed class RateLimiter(RedisConnection redis, RedisOptions options, TimeProvider time, ILogger<RateLimiter> logger)
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

    /// <summary>
    /// The largest number of keys that are remembered while Redis is away; those that may have a whole burst are forgotten first.
    /// </summary>
    private const int MaxKept = 100_000;

    /// <summary>For each key, when the next call would be expected if calls were evenly spaced, in ticks of <see cref="_time"/>.</summary>
    private readonly ConcurrentDictionary<string, long> _expected = new(StringComparer.Ordinal);

    private readonly TimeProvider _time = time;
    private long _lastWarning;

    /// <summary>Counts a call under <paramref name="key"/>, unless it is refused.</summary>
    /// <param name="key">Identifies whose calls are counted, and which calls.</param>
    /// <param name="perSecond">The number of calls allowed per second.</param>
    /// <param name="burst">The number of calls allowed at once after a pause.</param>
    /// <param name="isRead">Whether the call only reads, so that it is allowed while Redis is away.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    public async Task<RateDecision> TakeAsync(string key, double perSecond, int burst, bool isRead, CancellationToken cancellationToken)
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

            return isRead ? new RateDecision(true, burst, TimeSpan.Zero, TimeSpan.Zero) : TakeHere(key, perSecond, burst);
        }

        static TimeSpan Micros(RedisResult value) => TimeSpan.FromMicroseconds(double.Parse((string)value!));
    }

    /// <summary>Applies the same rule by this process's own count.</summary>
    private RateDecision TakeHere(string key, double perSecond, int burst)
    {
        long now = _time.GetTimestamp();
        long gap = (long)Math.Min(_time.TimestampFrequency / perSecond, long.MaxValue / 1e9);
        long tolerance = gap * (burst - 1);
        Forget(now);
        while (true)
        {
            bool isKnown = _expected.TryGetValue(key, out long known);
            long expected = isKnown ? Math.Max(known, now) : now;
            if (expected - now > tolerance)
            {
                return new RateDecision(false, 0, Span(expected - now - tolerance), Span(expected - now));
            }

            long next = expected + gap;
            if (isKnown ? _expected.TryUpdate(key, next, known) : _expected.TryAdd(key, next))
            {
                return new RateDecision(true, (int)((tolerance - (next - now) + gap) / gap), TimeSpan.Zero, Span(next - now));
            }
        }

        TimeSpan Span(long ticks) => TimeSpan.FromSeconds((double)ticks / _time.TimestampFrequency);
    }

    private void Forget(long now)
    {
        if (_expected.Count < MaxKept)
        {
            return;
        }

        foreach (KeyValuePair<string, long> kept in _expected.Where(kept => kept.Value <= now))
        {
            _expected.TryRemove(kept);
        }

        if (_expected.Count >= MaxKept)
        {
            // All of them have just called: whoever comes first is counted anew
            _expected.Clear();
        }
    }
}
