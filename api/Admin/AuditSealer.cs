using System.ComponentModel.DataAnnotations;
using Generation.Api.Web;
using Generation.Storage.Audit;
using Microsoft.Extensions.Options;

namespace Generation.Api.Admin;

/// <summary>How the audit log is kept from being cut: configuration section "Audit".</summary>
internal sealed record AuditOptions
{
    public const string Section = "Audit";

    /// <summary>So often the end of the audit log is sealed, in the results store and in this program's log, if it has grown.</summary>
    [Range(0.1, 86_400)]
    public double SealSeconds { get; init; } = 60;
}

/// <summary>Seals the end of the audit log outside the database, and says when the end that was sealed is no longer there.</summary>
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
