using System.Collections.Concurrent;
using Generation.Storage;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;

namespace Generation.Api;

/// <summary>
/// Who stands behind a key, remembered for less than a second: a revoked key is refused within one everywhere.
/// Keeps when keys were last used, written in one go every few seconds.
/// </summary>
internal sealed class CallerDirectory(ApiKeyStore keys, KeySecret secret, IMemoryCache cache, ILogger<CallerDirectory> logger) : BackgroundService
{
    private static readonly TimeSpan Remembered = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan TouchInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, bool> _used = new();

    public async Task<Caller?> FindAsync(string key, CancellationToken cancellationToken)
    {
        // By the hash: the cache holds no key
        string name = "caller:" + Convert.ToBase64String(secret.Hash(key));
        if (cache.TryGetValue(name, out Caller? caller))
        {
            return caller;
        }

        caller = await keys.FindCallerAsync(key, cancellationToken);
        if (caller is not null)
        {
            cache.Set(name, caller, Remembered);
            _used[caller.KeyId] = true;
        }

        return caller;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TouchInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Guid[] used = [.. _used.Keys];
            if (used.Length == 0)
            {
                continue;
            }

            foreach (Guid id in used)
            {
                _used.TryRemove(id, out _);
            }

            try
            {
                await keys.TouchAsync(used, stoppingToken);
            }
            catch (NpgsqlException e)
            {
                ApiLog.LoopFailed(logger, e, "Keeping when keys were used", TouchInterval.TotalSeconds);
            }
        }
    }
}
