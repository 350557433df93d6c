using System.ComponentModel.DataAnnotations;
using Generation.Api.Limits;
using Generation.Api.Web;
using Generation.Storage.Retention;
using Microsoft.Extensions.Options;

namespace Generation.Api.Retention;

/// <summary>How often and after how long files are deleted: configuration section "Retention".</summary>
internal sealed record RetentionOptions
{
    public const string Section = "Retention";

    /// <summary>Outputs whose time is over, and files that nothing names, are looked for this often.</summary>
    [Range(0.001, 10_000)]
    public double IntervalMinutes { get; init; } = 30;

    /// <summary>A file that nothing names is deleted this long after it was put.</summary>
    [Range(0.001, 10_000)]
    public double OrphanMinutes { get; init; } = RetentionStore.OrphanAge.TotalMinutes;
}

/// <summary>Deletes outputs whose time is over, and files that nothing names.</summary>
internal sealed class Sweeper(
    RetentionStore retention,
    IOptions<RetentionOptions> options,
    IOptions<AccountLimits> limits,
    TimeProvider time,
    ILogger<Sweeper> logger
) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var interval = TimeSpan.FromMinutes(options.Value.IntervalMinutes);
        using var timer = new PeriodicTimer(interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                int jobs = 0;
                int round;
                do
                {
                    round = await retention.ExpireOutputsAsync(limits.Value.RetentionDays, stoppingToken);
                    jobs += round;
                } while (round > 0);

                DateTimeOffset putBefore = time.GetUtcNow() - TimeSpan.FromMinutes(options.Value.OrphanMinutes);
                SweepResult sweep = await retention.SweepAsync(putBefore, withoutLimit: false, stoppingToken);
                if (sweep.Problem is { } problem)
                {
                    ApiLog.NotSwept(logger, problem);
                }

                if (jobs + sweep.Deleted > 0)
                {
                    ApiLog.Swept(logger, jobs, sweep.Deleted);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                ApiLog.LoopFailed(logger, e, "Retention", interval.TotalSeconds);
            }
        }
    }
}

/// <summary>Adds the sweeper.</summary>
internal static class RetentionSetup
{
    public static void AddRetention(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<RetentionOptions>()
            .BindConfiguration(RetentionOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<RetentionStore>();
        builder.Services.AddHostedService<Sweeper>();
    }
}
