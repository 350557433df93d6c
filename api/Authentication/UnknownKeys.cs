using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Generation.Api.Web;
using Microsoft.Extensions.Options;

namespace Generation.Api.Authentication;

/// <summary>Limits of calls whose key is nobody's: configuration section "UnknownKeys".</summary>
internal sealed record UnknownKeyOptions
{
    public const string Section = "UnknownKeys";

    /// <summary>
    /// How many whole keys that are nobody's may come from one address in a minute. After that a key that was not somebody's lately is
    /// refused unseen, until the minute is over.
    /// </summary>
    [Range(1, 1_000_000)]
    public int PerMinute { get; init; } = 60;
}

/// <summary>
/// Counts, by the address that they come from, keys that were looked up and are nobody's. Only a key with a right checksum is looked up at
/// all. Whoever has a key that was good within the last minutes is not held up by others behind the same address.
/// </summary>
internal sealed class UnknownKeys : IDisposable
{
    private const int MaxGood = 100_000;

    /// <summary>The first so many bits of an IPv6 address are one customer's.</summary>
    private const int SiteBytes = 8;

    private static readonly TimeSpan GoodFor = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<KeyDigest, long> _good = new();
    private readonly PartitionedRateLimiter<IPAddress> _left;
    private readonly TimeProvider _time;

    public UnknownKeys(IOptions<UnknownKeyOptions> options, TimeProvider time)
    {
        _time = time;
        int perMinute = options.Value.PerMinute;
        _left = PartitionedRateLimiter.Create<IPAddress, IPAddress>(address =>
            RateLimitPartition.GetFixedWindowLimiter(SiteOf(address), _ => new FixedWindowRateLimiterOptions
            {
                PermitLimit = perMinute,
                Window = TimeSpan.FromMinutes(1),
            })
        );
    }

    /// <summary>Refuses a key unseen where too many from its address were nobody's, unless it was somebody's lately.</summary>
    /// <exception cref="ProblemException">It is refused.</exception>
    public void Check(KeyDigest digest, IPAddress? address)
    {
        if (WasGood(digest))
        {
            return;
        }

        using RateLimitLease any = _left.AttemptAcquire(address ?? IPAddress.None, 0);
        if (!any.IsAcquired)
        {
            TimeSpan wait = any.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan left) ? left : TimeSpan.FromMinutes(1);
            throw new ProblemException(
                StatusCodes.Status429TooManyRequests,
                "too_many_unknown_keys",
                "Too many keys that are nobody's have come from your address. Try again in a moment."
            )
            {
                RetryAfterSeconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)),
            };
        }
    }

    /// <summary>Counts a key that is nobody's.</summary>
    public void Count(KeyDigest digest, IPAddress? address)
    {
        _good.TryRemove(digest, out _);
        _left.AttemptAcquire(address ?? IPAddress.None).Dispose();
    }

    /// <summary>Remembers a key that is somebody's.</summary>
    public void Remember(KeyDigest digest)
    {
        if (_good.Count >= MaxGood)
        {
            _good.Clear();
        }

        _good[digest] = _time.GetTimestamp();
    }

    public void Dispose() => _left.Dispose();

    private bool WasGood(KeyDigest digest) => _good.TryGetValue(digest, out long at) && _time.GetElapsedTime(at) < GoodFor;

    private static IPAddress SiteOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(SiteBytes).Clear();
        return new IPAddress(bytes);
    }
}
