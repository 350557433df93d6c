using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Database;
using Generation.Storage.Redis;
using Generation.Storage.Results;
using Generation.Storage.Retention;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using StackExchange.Redis;

namespace Generation.Api.Status;

/// <summary>Answers /healthz while the process lives, and /readyz with the state of each part that it needs to do its work.</summary>
internal static class Health
{
    private const string Ready = "ready";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    public static void AddHealth(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<OperatorOptions>()
            .BindConfiguration(OperatorOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton(provider => new Snapshot<HealthReport>(
            MaxAge,
            provider.GetRequiredService<TimeProvider>(),
            // Not by the token of whoever asks first: the others wait for the same. Each check has its own limit
            _ => provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(CancellationToken.None)
        ));
        builder
            .Services.AddHealthChecks()
            .AddCheck<PostgresHealth>("postgres", HealthStatus.Unhealthy, [Ready], Limit)
            .AddCheck<RedisHealth>("redis", HealthStatus.Degraded, [Ready], Limit)
            .AddCheck<ResultsHealth>("results", HealthStatus.Unhealthy, [Ready], Limit);
    }

    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/healthz", () => Results.Text("ok\n")).ExcludeFromDescription();
        app.MapGet("/readyz", AnswerAsync).ExcludeFromDescription();
        app.MapGet("/metrics", (HttpContext http, ApiMetrics metrics, CancellationToken cancellationToken) =>
                metrics.AnswerAsync(http, cancellationToken)
            )
            .ExcludeFromDescription();
    }

    private static async Task<IResult> AnswerAsync(HttpContext http, Snapshot<HealthReport> health, CancellationToken cancellationToken)
    {
        HealthReport report = await health.GetAsync(cancellationToken);
        bool toOperator = Operators.Has(http);
        http.Response.Headers.CacheControl = "no-store";
        var answer = new
        {
            Status = NameOf(report.Status),
            Checks = report.Entries.ToDictionary(
                e => e.Key,
                // What is wrong names hosts, users and paths
                e => new { Status = NameOf(e.Value.Status), Detail = toOperator ? e.Value.Description ?? e.Value.Exception?.Message : null }
            ),
        };
        return Results.Json(
            answer,
            WireJson.Options,
            statusCode: report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK
        );
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
