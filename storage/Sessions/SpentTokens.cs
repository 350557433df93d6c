using Generation.Storage.Redis;
using StackExchange.Redis;

namespace Generation.Storage.Sessions;

/// <summary>
/// Remembers in Redis, until they would expire by themselves, which tokens may not be used again: links that were opened, sessions that
/// were signed out. All API processes see it.
/// </summary>
public sealed class SpentTokens(RedisConnection redis, RedisOptions options)
{
    /// <summary>Marks a token as used, once: false where it was marked before.</summary>
    /// <exception cref="RedisException">Redis is away; it is not known whether the token was used.</exception>
    /// <exception cref="TimeoutException">Redis is away; it is not known whether the token was used.</exception>
    public async Task<bool> TrySpendAsync(Guid token, TimeSpan remembered, CancellationToken cancellationToken)
    {
        IDatabase db = await redis.DatabaseAsync(Limit, cancellationToken);
        return await db.StringSetAsync(KeyOf(token), 1, remembered, When.NotExists).WaitAsync(Limit, cancellationToken);
    }

    /// <summary>Whether a token was marked as used.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis is away.</exception>
    public async Task<bool> IsSpentAsync(Guid token, CancellationToken cancellationToken)
    {
        IDatabase db = await redis.DatabaseAsync(Limit, cancellationToken);
        return await db.KeyExistsAsync(KeyOf(token)).WaitAsync(Limit, cancellationToken);
    }

    private TimeSpan Limit => TimeSpan.FromMilliseconds(options.TimeoutMilliseconds);

    private RedisKey KeyOf(Guid token) => $"{options.KeyPrefix}spent:{token:N}";
}
