using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Generation.Api.Web;

/// <summary>How much memory bodies may take: configuration section "Bodies".</summary>
internal sealed record BodyOptions
{
    public const string Section = "Bodies";

    /// <summary>Least that <see cref="MaxInFlightBytes"/> is where it follows from the machine's memory.</summary>
    private const long LeastInFlight = 512L << 20;

    /// <summary>
    /// The memory that the bodies of all calls in the making may take, in bytes; more calls are refused with 503. 0: a quarter of the
    /// memory that this process may use, and 512 MiB at least.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long MaxInFlightBytes { get; init; }

    /// <summary>The limit that holds, in bytes.</summary>
    public long Limit =>
        MaxInFlightBytes > 0 ? MaxInFlightBytes : Math.Max(LeastInFlight, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
}

/// <summary>The memory that bodies of calls take, over all calls: what each takes is given back when its answer has gone out.</summary>
internal sealed class BodyBudget(IOptions<BodyOptions> options)
{
    private const int RetryAfterSeconds = 1;

    private readonly long _limit = options.Value.Limit;
    private long _taken;

    /// <summary>The bytes that are taken now.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    /// <summary>The share of a call, which ends with it.</summary>
    public static BodyShare Of(HttpContext http)
    {
        if (http.Features.Get<BodyShare>() is { } known)
        {
            return known;
        }

        var share = new BodyShare(http.RequestServices.GetRequiredService<BodyBudget>());
        http.Features.Set(share);
        http.Response.RegisterForDispose(share);
        return share;
    }

    /// <summary>Takes bytes.</summary>
    /// <exception cref="ProblemException">They are more than is left.</exception>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) > _limit)
        {
            GiveBack(bytes);
            throw new ProblemException(
                StatusCodes.Status503ServiceUnavailable,
                "too_many_bodies",
                $"The bodies of the calls that are being answered have {_limit} bytes, as many as may be. Nothing was done; try again."
            )
            {
                RetryAfterSeconds = RetryAfterSeconds,
            };
        }
    }

    /// <summary>Gives back what was taken.</summary>
    public void GiveBack(long bytes) => Interlocked.Add(ref _taken, -bytes);
}

/// <summary>What one call has taken of a budget.</summary>
internal sealed class BodyShare(BodyBudget budget) : IDisposable
{
    private long _bytes;

    /// <summary>Takes bytes.</summary>
    /// <exception cref="ProblemException">They are more than is left.</exception>
    public void Take(long bytes)
    {
        budget.Take(bytes);
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>Gives a part back before the call's end.</summary>
    public void GiveBack(long bytes)
    {
        Interlocked.Add(ref _bytes, -bytes);
        budget.GiveBack(bytes);
    }

    public void Dispose() => budget.GiveBack(Interlocked.Exchange(ref _bytes, 0));
}
