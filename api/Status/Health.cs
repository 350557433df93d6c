using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Database;
using Generation.Storage.Redis;
using Generation.Storage.Results;
using Generation.Storage.Retention;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using StackExchange.Redis;

namespace Generation.Api.Status;

/// <summary>Answers /healthz while the process lives, and /readyz with the state of each part that it needs to do its work.</summary>
internal static class Health
{
    private const string Ready = "ready";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    public static void AddHealth(this WebApplicationBuilder builder) =>
        builder
            .Services.AddHealthChecks()
            .AddCheck<PostgresHealth>("postgres", HealthStatus.Unhealthy, [Ready], Limit)
            .AddCheck<RedisHealth>("redis", HealthStatus.Degraded, [Ready], Limit)
            .AddCheck<ResultsHealth>("results", HealthStatus.Unhealthy, [Ready], Limit);

    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/healthz", () => Results.Text("ok\n")).ExcludeFromDescription();
        app.MapHealthChecks("/readyz", new HealthCheckOptions { ResponseWriter = WriteAsync });
        app.MapGet("/metrics", (ApiMetrics metrics, CancellationToken cancellationToken) => metrics.AnswerAsync(cancellationToken))
            .ExcludeFromDescription();
    }

    private static Task WriteAsync(HttpContext http, HealthReport report)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        var answer = new
        {
            Status = NameOf(report.Status),
            Checks = report.Entries.ToDictionary(
                e => e.Key,
                e => new { Status = NameOf(e.Value.Status), Detail = e.Value.Description ?? e.Value.Exception?.Message }
            ),
        };
        return JsonSerializer.SerializeAsync(http.Response.Body, answer, WireJson.Options, http.RequestAborted);
    }

    private static string NameOf(HealthStatus status) =>
        status switch
        {
            HealthStatus.Healthy => "ok",
            HealthStatus.Degraded => "degraded",
            _ => "failing",
        };

    private sealed class PostgresHealth(Migrator migrator) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            IReadOnlyList<string> pending = await migrator.PendingAsync(cancellationToken);
            return pending.Count == 0
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"The database lacks {string.Join(", ", pending)}; run the 'migrate' command.");
        }
    }

    private sealed class RedisHealth(RedisConnection redis) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            IDatabase database = await redis.DatabaseAsync(Limit, cancellationToken);
            await database.PingAsync().WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
    }

    private sealed class ResultsHealth(IResultsStore results, RetentionStore retention) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            await results.CheckAsync(cancellationToken);
            return await retention.ProblemAsync(cancellationToken) is { } problem
                ? HealthCheckResult.Degraded(problem)
                : HealthCheckResult.Healthy();
        }
    }
}
