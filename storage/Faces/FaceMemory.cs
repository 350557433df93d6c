using System.Text;
using Generation.Storage.Redis;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Generation.Storage.Faces;

/// <summary>
/// What a face remembers for a while, in Redis: values by name, several of which belong together. All of it may vanish at any moment, so
/// that whoever reads it must be able to do without it.
/// </summary>
public sealed class FaceMemory(RedisConnection redis, RedisOptions options, ILogger<FaceMemory> logger)
{
    private long _lastWarning;

    private TimeSpan Limit => TimeSpan.FromMilliseconds(options.TimeoutMilliseconds);

    /// <summary>The values that belong together under a key; null if there are none, or Redis is away.</summary>
    public async Task<IReadOnlyDictionary<string, byte[]>?> FindAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            IDatabase db = await redis.DatabaseAsync(Limit, cancellationToken);
            HashEntry[] entries = await db.HashGetAllAsync(KeyOf(key)).WaitAsync(Limit, cancellationToken);
            return entries.Length == 0 ? null : entries.ToDictionary(e => (string)e.Name!, e => (byte[])e.Value!);
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            Warn(e);
            return null;
        }
    }

    /// <summary>Sets some of the values under a key, and leaves the others. False if Redis is away.</summary>
    /// <param name="key">The key.</param>
    /// <param name="values">The values, by name.</param>
    /// <param name="keep">For how long all values under the key are kept from now on.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<bool> KeepAsync(
        string key,
        IReadOnlyDictionary<string, byte[]> values,
        TimeSpan keep,
        CancellationToken cancellationToken
    )
    {
        try
        {
            IDatabase db = await redis.DatabaseAsync(Limit, cancellationToken);
            ITransaction together = db.CreateTransaction();
            _ = together.HashSetAsync(KeyOf(key), [.. values.Select(v => new HashEntry(v.Key, v.Value))]);
            _ = together.KeyExpireAsync(KeyOf(key), keep);
            return await together.ExecuteAsync().WaitAsync(Limit, cancellationToken);
        }
        catch (Exception e) when (RedisConnection.IsTrouble(e))
        {
            Warn(e);
            return false;
        }
    }

    /// <summary>A text as it is kept.</summary>
    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>A text that was kept.</summary>
    public static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    private void Warn(Exception e)
    {
        long now = Environment.TickCount64;
        if (now - Interlocked.Exchange(ref _lastWarning, now) > 10_000)
        {
            RedisLog.Failed(logger, e.Message);
        }
    }

    private RedisKey KeyOf(string key) => $"{options.KeyPrefix}face:{key}";
}
