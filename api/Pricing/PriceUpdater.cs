using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Prices;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Generation.Api.Pricing;

/// <summary>The prices derived from measured seconds, a few seconds old at most.</summary>
internal sealed class MeasuredPriceCache(MeasuredPriceStore store, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    private readonly Snapshot<IReadOnlyList<MeasuredPrice>> _latest = new(MaxAge, time, store.ReadAsync);

    /// <summary>The measured price of a kind on a model; null before enough jobs of it have run.</summary>
    public async Task<MeasuredPrice?> OfAsync(string model, JobKind kind, CancellationToken cancellationToken) =>
        (await _latest.GetAsync(cancellationToken)).FirstOrDefault(p => p.Kind == kind && p.Model == model);

    public void Dispose() => _latest.Dispose();
}

/// <summary>
/// Derives prices from the times of finished jobs. What a second costs follows, once, from the configured price of the text2img
/// model that has run most: its usual job costs the same by both. All other kinds and models then cost in proportion to the
/// time that they take on the same machines.
/// </summary>
internal sealed class PriceUpdater(
    RunTimes times,
    MeasuredPriceStore store,
    ModelDirectory models,
    Prices prices,
    IOptions<PriceOptions> options,
    ILogger<PriceUpdater> logger
) : BackgroundService
{
    /// <summary>The least number of jobs from whose times a price is derived.</summary>
    public const int LeastJobs = 50;

    /// <summary>A price changes only when it is off by more than this share, because people count on prices.</summary>
    private const decimal Tolerated = 0.25m;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Work of jobs of several sizes, at which prices are compared, in megapixel-steps.</summary>
    private static readonly decimal[] Sizes = [0.1m, 1, 10];

    /// <summary>Derives the prices once, and returns those that have changed.</summary>
    public async Task<IReadOnlyList<MeasuredPrice>> KeepAsync(CancellationToken cancellationToken)
    {
        RunTime[] measured = [.. (await times.ReadAsync(cancellationToken)).Where(t => t.Jobs >= LeastJobs)];
        if (await RateAsync(measured, cancellationToken) is not { } rate)
        {
            return [];
        }

        Dictionary<(string, JobKind), MeasuredPrice> known = (await store.ReadAsync(cancellationToken)).ToDictionary(p =>
            (p.Model, p.Kind)
        );
        var changed = new List<MeasuredPrice>();
        foreach (RunTime run in measured)
        {
            var price = new MeasuredPrice(
                run.Model,
                run.Kind,
                Rounded(rate * (decimal)run.FixedSeconds),
                Rounded(rate * (decimal)run.SecondsPerWork),
                run.Jobs
            );
            if (
                !known.TryGetValue((run.Model, run.Kind), out MeasuredPrice? old)
                || Sizes.Any(work => Math.Abs(price.Of(work) - old.Of(work)) > Tolerated * old.Of(work))
            )
            {
                await store.KeepAsync(price, cancellationToken);
                ApiLog.PriceDerived(logger, price.Kind, price.Model, price.PerJob, price.PerWork, price.Jobs);
                changed.Add(price);
            }
        }

        return changed;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await KeepAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                ApiLog.LoopFailed(logger, e, "Deriving prices", Interval.TotalSeconds);
            }
        }
    }

    private async Task<decimal?> RateAsync(RunTime[] measured, CancellationToken cancellationToken)
    {
        if (options.Value.CreditsPerSecond is { } configured)
        {
            return configured;
        }

        RunTime? reference = measured.Where(t => t.Kind == JobKind.Text2Img).MaxBy(t => t.Jobs);
        if (reference is null || !(await models.ModelsAsync(cancellationToken)).TryGetValue(reference.Model, out ModelEntry? model))
        {
            return null;
        }

        decimal usual = prices.PerMegapixelStep(JobKind.Text2Img, model) * (decimal)reference.MeanWork;
        return await store.RateAsync(usual / (decimal)reference.SecondsOf(reference.MeanWork), reference.Model, cancellationToken);
    }

    private static decimal Rounded(decimal credits) => Math.Round(credits, 6);
}
