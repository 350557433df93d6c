using System.ComponentModel.DataAnnotations;
using Generation.Storage.Accounts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Web;

/// <summary>How much memory bodies may take, and how long they may take to come: configuration section "Bodies".</summary>
internal sealed record BodyOptions
{
    public const string Section = "Bodies";

    /// <summary>Least that <see cref="MaxInFlightBytes"/> is where it follows from the machine's memory.</summary>
    private const long LeastInFlight = 512L << 20;

    /// <summary>Least that <see cref="MaxCallerBytes"/> is where it follows from the other: a largest body and a fetched picture.</summary>
    private const long LeastOfCaller = 128L << 20;

    /// <summary>
    /// The memory that the bodies of all calls in the making may take, in bytes; more calls are refused with 503. 0: a quarter of the
    /// memory that this process may use, and 512 MiB at least.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long MaxInFlightBytes { get; init; }

    /// <summary>
    /// What of it the calls of one account may take, or of one address where no account is known; more of its calls are refused with 429.
    /// 0: a quarter, and 128 MiB at least.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long MaxCallerBytes { get; init; }

    /// <summary>A body that is not there after so many seconds is given up, with 408.</summary>
    [Range(1, 24 * 3600)]
    public double ReadSeconds { get; init; } = 300;

    /// <summary>A body that comes more slowly than so many bytes a second, after its first five seconds, is given up, with 408.</summary>
    [Range(1, 1 << 30)]
    public double LeastBytesPerSecond { get; init; } = 4096;

    /// <summary>The limit of all that holds, in bytes.</summary>
    public long Limit =>
        MaxInFlightBytes > 0 ? MaxInFlightBytes : Math.Max(LeastInFlight, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);

    /// <summary>The limit of one caller that holds, in bytes.</summary>
    public long CallerLimit => Math.Min(Limit, MaxCallerBytes > 0 ? MaxCallerBytes : Math.Max(LeastOfCaller, Limit / 4));
}

/// <summary>
/// The memory that bodies of calls take, over all calls: it is taken as they come, and given back when nothing needs them any more, at the
/// latest when the answer has gone out.
/// </summary>
internal sealed class BodyBudget(IOptions<BodyOptions> options)
{
    private const int RetryAfterSeconds = 1;

    private readonly long _limit = options.Value.Limit;
    private readonly long _callerLimit = options.Value.CallerLimit;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _ofCaller = new(StringComparer.Ordinal);
    private long _taken;

    /// <summary>The bytes that are taken now.</summary>
    public long Taken
    {
        get
        {
            lock (_lock)
            {
                return _taken;
            }
        }
    }

    /// <summary>How long a body may take to come.</summary>
    public TimeSpan ReadLimit { get; } = TimeSpan.FromSeconds(options.Value.ReadSeconds);

    /// <summary>The share of a call, which ends with it.</summary>
    public static BodyShare Of(HttpContext http)
    {
        if (http.Features.Get<BodyShare>() is { } known)
        {
            return known;
        }

        string caller = http.Features.Get<Caller>()?.AccountId.ToString() ?? http.Connection.RemoteIpAddress?.ToString() ?? "";
        var share = new BodyShare(http.RequestServices.GetRequiredService<BodyBudget>(), caller);
        http.Features.Set(share);
        http.Response.RegisterForDispose(share);
        return share;
    }

    /// <summary>Takes bytes for a call of <paramref name="caller"/>.</summary>
    /// <exception cref="ProblemException">They are more than is left, of all or of what the caller may take.</exception>
    public void Take(string caller, long bytes)
    {
        lock (_lock)
        {
            long ofCaller = _ofCaller.GetValueOrDefault(caller) + bytes;
            if (ofCaller > _callerLimit)
            {
                throw Refused(
                    StatusCodes.Status429TooManyRequests,
                    $"The bodies of your calls that are being answered may have {_callerLimit} bytes together, and would have {ofCaller}."
                );
            }

            if (_taken + bytes > _limit)
            {
                throw Refused(
                    StatusCodes.Status503ServiceUnavailable,
                    $"The bodies of all calls that are being answered may have {_limit} bytes together, and would have {_taken + bytes}."
                );
            }

            _taken += bytes;
            _ofCaller[caller] = ofCaller;
        }
    }

    /// <summary>Gives back what was taken.</summary>
    public void GiveBack(string caller, long bytes)
    {
        lock (_lock)
        {
            _taken -= bytes;
            long left = _ofCaller.GetValueOrDefault(caller) - bytes;
            if (left == 0)
            {
                _ofCaller.Remove(caller);
            }
            else
            {
                _ofCaller[caller] = left;
            }
        }
    }

    private static ProblemException Refused(int status, string why) =>
        new(status, "too_many_bodies", $"{why} Nothing was done; try again.") { RetryAfterSeconds = RetryAfterSeconds };
}

/// <summary>What a body was read into: it lies in the body's memory until it lets go of that.</summary>
internal interface IBodyContent
{
    /// <summary>
    /// Lets go of the body: pictures are gone from then on, and what is short is kept apart. Returns the bytes of what is kept.
    /// </summary>
    public long Release();
}

/// <summary>What one call has taken of a budget.</summary>
internal sealed class BodyShare(BodyBudget budget, string caller) : IDisposable
{
    private long _bytes;
    private IBodyContent? _content;

    /// <summary>How long the call's body may take to come.</summary>
    public TimeSpan ReadLimit => budget.ReadLimit;

    /// <summary>A share of the same caller's, for what ends before the call does. Dispose it.</summary>
    public BodyShare Another() => new(budget, caller);

    /// <summary>Takes bytes.</summary>
    /// <exception cref="ProblemException">They are more than is left.</exception>
    public void Take(long bytes)
    {
        budget.Take(caller, bytes);
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>Gives a part back before the call's end.</summary>
    public void GiveBack(long bytes)
    {
        Interlocked.Add(ref _bytes, -bytes);
        budget.GiveBack(caller, bytes);
    }

    /// <summary>The body was read into this, which <see cref="Release"/> lets go of it.</summary>
    public void ReadInto(IBodyContent content) => _content = content;

    /// <summary>
    /// The pictures that the body brought are stored, and what follows may last: nothing of the body is held any more but what is short.
    /// </summary>
    public void Release()
    {
        if (Interlocked.Exchange(ref _content, null) is { } content)
        {
            GiveBack(Math.Max(0, Interlocked.Read(ref _bytes) - content.Release()));
        }
    }

    public void Dispose() => budget.GiveBack(caller, Interlocked.Exchange(ref _bytes, 0));
}
