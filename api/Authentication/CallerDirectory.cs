using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Generation.Api.Web;
using Generation.Storage.Accounts;
using Npgsql;

namespace Generation.Api.Authentication;

/// <summary>
/// Finds the caller that a key belongs to, and remembers it for less than a second, so that a revoked key is refused everywhere
/// within a second. Writes down when keys were last used, all of them together every few seconds.
/// </summary>
internal sealed class CallerDirectory(ApiKeyStore keys, UnknownKeys unknown, TimeProvider time, ILogger<CallerDirectory> logger)
    : BackgroundService
{
    private static readonly TimeSpan Remembered = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan TouchInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, bool> _used = new();

    /// <summary>
    /// The known callers, by the SHA-256 of their keys: no key is kept. Keys are random enough for a plain hash, and the database
    /// has another one.
    /// </summary>
    private readonly ConcurrentDictionary<KeyDigest, Known> _known = new();

    /// <summary>The caller of a key that was looked up less than a second ago.</summary>
    public bool TryFind(string key, [NotNullWhen(true)] out Caller? caller)
    {
        caller = null;
        if (_known.TryGetValue(KeyDigest.Of(key), out Known? known) && time.GetElapsedTime(known.ReadAt) is var age && age < Remembered)
        {
            caller = known.Caller;
            if (age > Remembered / 2 && known.TryRefresh())
            {
                _ = RefreshAsync(key);
            }
        }

        return caller is not null;
    }

    /// <summary>The caller of a whole key; null where it is nobody's.</summary>
    /// <param name="key">The key.</param>
    /// <param name="address">Where the call comes from.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    /// <exception cref="ProblemException">Too many keys from that address were nobody's.</exception>
    public async Task<Caller?> FindAsync(string key, IPAddress? address, CancellationToken cancellationToken)
    {
        if (TryFind(key, out Caller? caller))
        {
            return caller;
        }

        var digest = KeyDigest.Of(key);
        unknown.Check(digest, address);
        caller = await ReadAsync(key, cancellationToken);
        if (caller is null)
        {
            unknown.Count(digest, address);
        }

        return caller;
    }

    private async Task<Caller?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        // Before the look: what is revoked meanwhile is not remembered for longer
        long readAt = time.GetTimestamp();
        Caller? caller = await keys.FindCallerAsync(key, cancellationToken);
        var digest = KeyDigest.Of(key);
        if (caller is not null)
        {
            _known[digest] = new Known(caller, readAt);
            _used[caller.KeyId] = true;
            // However it came to be read: a key in constant use is read ahead of time, and never looked up by a call
            unknown.Remember(digest);
        }
        else
        {
            _known.TryRemove(digest, out _);
        }

        return caller;
    }

    /// <summary>
    /// Reads a key that is in use anew before it is forgotten, so that its many callers do not all wait for the database at once.
    /// </summary>
    private async Task RefreshAsync(string key)
    {
        try
        {
            await ReadAsync(key, CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or ObjectDisposedException or InvalidOperationException)
        {
            // Whoever comes when it is forgotten reads it, and is told what is wrong
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TouchInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach ((KeyDigest digest, Known known) in _known)
            {
                if (time.GetElapsedTime(known.ReadAt) >= Remembered)
                {
                    _known.TryRemove(KeyValuePair.Create(digest, known));
                }
            }

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

    private sealed record Known(Caller Caller, long ReadAt)
    {
        private int _refreshing;

        /// <summary>Whether the caller is the first to ask, and so the one to read the key anew.</summary>
        public bool TryRefresh() => Interlocked.Exchange(ref _refreshing, 1) == 0;
    }
}

/// <summary>The SHA-256 of a key, by which it is remembered: no key is kept.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct KeyDigest(UInt128 High, UInt128 Low)
{
    public static KeyDigest Of(string key)
    {
        Span<byte> text = stackalloc byte[256];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (!Encoding.UTF8.TryGetBytes(key, text, out int length))
        {
            // Longer than any key
            return default;
        }

        SHA256.HashData(text[..length], hash);
        return new KeyDigest(BinaryPrimitives.ReadUInt128LittleEndian(hash), BinaryPrimitives.ReadUInt128LittleEndian(hash[16..]));
    }
}
