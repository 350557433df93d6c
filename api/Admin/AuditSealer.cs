using System.ComponentModel.DataAnnotations;
using Generation.Api.Web;
using Generation.Storage.Audit;
using Microsoft.Extensions.Options;

namespace Generation.Api.Admin;

/// <summary>Settings of the seals that show whether the audit log was cut: configuration section "Audit".</summary>
internal sealed record AuditOptions
{
    public const string Section = "Audit";

    /// <summary>
    /// The number of seconds between two seals of the end of the audit log, in the results store and in this program's log. The end is
    /// sealed only if the log has grown.
    /// </summary>
    [Range(0.1, 86_400)]
    public double SealSeconds { get; init; } = 60;
}

/// <summary>Seals the end of the audit log outside the database, and logs an error if an end that was sealed is missing.</summary>
internal sealed class AuditSealer(AuditLog audit, IOptions<AuditOptions> options, TimeProvider time, ILogger<AuditSealer> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var interval = TimeSpan.FromSeconds(options.Value.SealSeconds);
        using var timer = new PeriodicTimer(interval, time);
        do
        {
            try
            {
                (AuditSeal? seal, string? problem) = await audit.SealAsync(replace: false, stoppingToken);
                if (seal is not null)
                {
                    ApiLog.AuditSealed(logger, seal.Id, seal.ToString());
                }
                else if (problem is not null)
                {
                    ApiLog.AuditNotSealed(logger, problem);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                ApiLog.LoopFailed(logger, e, "Sealing the audit log", interval.TotalSeconds);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
