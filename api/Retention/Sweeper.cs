using System.ComponentModel.DataAnnotations;
using Generation.Api.Limits;
using Generation.Api.Web;
using Generation.Storage.Audit;
using Generation.Storage.Jobs;
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

    /// <summary>
    /// The number of days after its end after which a job is deleted, with everything that belongs to it except its lines in the ledger.
    /// Without it, jobs are never deleted.
    /// </summary>
    [Range(1, 36_500)]
    public int? JobDays { get; init; }

    /// <summary>
    /// The number of days after a job's end after which its prompts are emptied. Without it, they are kept as long as the job.
    /// </summary>
    [Range(1, 36_500)]
    public int? PromptDays { get; init; }

    /// <summary>The number of days after which webhook messages that were delivered or given up are deleted.</summary>
    [Range(1, 36_500)]
    public int WebhookDays { get; init; } = 30;

    /// <summary>The number of hours for which an Idempotency-Key, of a job or of credits, is remembered with its answer.</summary>
    [Range(24, 24 * 365)]
    public int IdempotencyHours { get; init; } = 24;

    /// <summary>The number of days after which entries of the audit log are deleted. Without it, they are never deleted.</summary>
    [Range(1, 36_500)]
    public int? AuditDays { get; init; }
}

/// <summary>Deletes what is kept for a limited time, each kind after its own time, and files that nothing refers to.</summary>
internal sealed class Sweeper(
    RetentionStore retention,
    JobRetentionStore jobs,
    IdempotencyStore idempotency,
    AuditLog audit,
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
            // Each for itself: what keeps rows from going does not keep the disk from being cleared
            await TryAsync(ForgetRowsAsync, interval, stoppingToken);
            await TryAsync(DeleteFilesAsync, interval, stoppingToken);
        }
    }

    private async Task TryAsync(Func<CancellationToken, Task> part, TimeSpan interval, CancellationToken stoppingToken)
    {
        try
        {
            await part(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The wait for the next turn ends the loop
        }
        catch (Exception e)
        {
            ApiLog.LoopFailed(logger, e, "Retention", interval.TotalSeconds);
        }
    }

    private async Task ForgetRowsAsync(CancellationToken cancellationToken)
    {
        RetentionOptions kept = options.Value;
        DateTimeOffset now = time.GetUtcNow();
        int deleted = kept.JobDays is { } jobDays ? await jobs.DeleteOldAsync(now.AddDays(-jobDays), cancellationToken) : 0;
        long wordless = kept.PromptDays is { } promptDays ? await jobs.ForgetPromptsAsync(now.AddDays(-promptDays), cancellationToken) : 0;
        int webhooks = await jobs.ForgetWebhooksAsync(now.AddDays(-kept.WebhookDays), cancellationToken);
        int keys = await idempotency.ForgetAsync(TimeSpan.FromHours(kept.IdempotencyHours), cancellationToken);
        int entries = kept.AuditDays is { } auditDays ? await audit.ForgetAsync(now.AddDays(-auditDays), cancellationToken) : 0;
        if (deleted + wordless + webhooks + keys + entries > 0)
        {
            ApiLog.Forgotten(logger, deleted, wordless, webhooks, keys, entries);
        }
    }

    private async Task DeleteFilesAsync(CancellationToken cancellationToken)
    {
        int expired = 0;
        int round;
        do
        {
            round = await retention.ExpireOutputsAsync(limits.Value.RetentionDays, cancellationToken);
            expired += round;
        } while (round > 0);

        DateTimeOffset putBefore = time.GetUtcNow() - TimeSpan.FromMinutes(options.Value.OrphanMinutes);
        SweepResult sweep = await retention.SweepAsync(putBefore, withoutLimit: false, cancellationToken);
        if (sweep.Problem is { } problem)
        {
            ApiLog.NotSwept(logger, problem);
        }

        if (expired + sweep.Deleted > 0)
        {
            ApiLog.Swept(logger, expired, sweep.Deleted);
        }
    }
}

/// <summary>Continues the deletion of accounts that operators have deleted, until only their ledger is left.</summary>
internal sealed class AccountRemover(AccountRemoval removal, TimeProvider time, ILogger<AccountRemover> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await removal.ContinueAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                ApiLog.LoopFailed(logger, e, "Deleting accounts", Interval.TotalSeconds);
            }
        }
    }
}

/// <summary>Registers the services that delete.</summary>
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
        builder.Services.AddSingleton<JobRetentionStore>();
        builder.Services.AddSingleton<AccountRemoval>();
        builder.Services.AddHostedService<Sweeper>();
        builder.Services.AddHostedService<AccountRemover>();
    }
}
