using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.History;

namespace Generation.Api.History;

/// <summary>How busy the system was in one step of time. Figures of what waited and ran are absent where no API ran to look.</summary>
/// <param name="At">When the step began.</param>
/// <param name="Queued">Jobs that waited, in the mean.</param>
/// <param name="Running">Jobs that ran, in the mean.</param>
/// <param name="Workers">Workers that lived, in the mean.</param>
/// <param name="Slots">Jobs that these could run at a time, in the mean.</param>
/// <param name="OldestQueuedSeconds">How long the job that waited longest had waited.</param>
/// <param name="Succeeded">Jobs that succeeded in the step.</param>
/// <param name="Failed">Jobs that failed in the step.</param>
/// <param name="Cancelled">Jobs that were cancelled in the step.</param>
/// <param name="Expired">Jobs that waited for too long, and were given up in the step.</param>
/// <param name="Charged">Credits that these jobs were charged.</param>
/// <param name="RunSecondsP50">The median time from start to end of those that succeeded; absent where none did.</param>
/// <param name="RunSecondsP95">The time that 95 of 100 did not exceed.</param>
public sealed record HistoryPoint(
    DateTimeOffset At,
    double? Queued,
    double? Running,
    double? Workers,
    double? Slots,
    double? OldestQueuedSeconds,
    long Succeeded,
    long Failed,
    long Cancelled,
    long Expired,
    decimal Charged,
    double? RunSecondsP50,
    double? RunSecondsP95
);

/// <summary>How busy the system was.</summary>
/// <param name="StepSeconds">The length of a step.</param>
/// <param name="Model">The model that is told of; absent: all together.</param>
/// <param name="Points">The steps, the oldest first; none where there is none yet.</param>
/// <param name="RunSeconds">Percentiles of the time from start to end over all of it, by their names; absent where no job succeeded.</param>
/// <param name="Failures">How many jobs failed, by the error's code.</param>
/// <param name="Models">The models that the range knows of.</param>
public sealed record HistoryAnswer(
    double StepSeconds,
    string? Model,
    IReadOnlyList<HistoryPoint> Points,
    IReadOnlyDictionary<string, double>? RunSeconds,
    IReadOnlyDictionary<string, long> Failures,
    IReadOnlyList<string> Models
);

/// <summary>GET /v1/admin/history: how busy the system was in the last minutes, days or weeks.</summary>
internal static class HistoryApi
{
    /// <summary>The ranges, the first of which is meant where none is named, and the step of each: few enough points for a chart.</summary>
    private static readonly (string Name, TimeSpan Length, TimeSpan Step)[] Ranges =
    [
        ("15m", TimeSpan.FromMinutes(15), LoadHistory.Steps[0].Step),
        ("2h", TimeSpan.FromHours(2), LoadHistory.Steps[0].Step),
        ("24h", TimeSpan.FromHours(24), LoadHistory.Steps[1].Step),
        ("7d", TimeSpan.FromDays(7), LoadHistory.Steps[2].Step),
        ("30d", TimeSpan.FromDays(30), LoadHistory.Steps[2].Step),
    ];

    private static readonly (string Name, double Share)[] Percentiles = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];

    public static void AddHistory(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<LoadHistory>();
        builder.Services.AddHostedService<HistoryRecorder>();
    }

    public static void MapHistory(this WebApplication app) =>
        app.MapGet("/v1/admin/history", GetAsync)
            .RequireAuthorization(Scopes.Admin)
            .WithTags("Admin")
            .WithName("getHistory")
            .WithSummary("How busy the system was, for charts. range: 15m, 2h, 24h, 7d or 30d; model: of one alone.")
            .Produces<HistoryAnswer>()
            .ProducesProblems(401, 403, 422);

    private static async Task<IResult> GetAsync(
        HttpContext http,
        LoadHistory history,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        var query = new QueryReader(http.Request.Query, ["range", "model"]);
        string name = query.Choice("range", [.. Ranges.Select(range => range.Name)]);
        string? model = query.Text("model");
        query.Finish();
        (_, TimeSpan length, TimeSpan step) = Ranges.First(range => range.Name == name);
        DateTimeOffset since = LoadHistory.Floor(time.GetUtcNow() - length, step);
        IReadOnlyList<LoadStep> steps = await history.ReadAsync(step, since, model ?? "", cancellationToken);
        IReadOnlyList<string> models = await history.ModelsAsync(step, since, cancellationToken);
        LoadStep? whole = steps.Count > 0 ? LoadStep.Join(since, model ?? "", steps) : null;
        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(
            new HistoryAnswer(
                step.TotalSeconds,
                model,
                [.. steps.Select(PointOf)],
                whole?.RunTimes.Total > 0
                    ? Percentiles.ToDictionary(p => p.Name, p => Round(whole.RunTimes.Percentile(p.Share)!.Value))
                    : null,
                whole is null ? new Dictionary<string, long>() : new SortedDictionary<string, long>(whole.Failures),
                models
            )
        );
    }

    private static HistoryPoint PointOf(LoadStep step) =>
        new(
            step.At,
            Round(step.Queued),
            Round(step.Running),
            Round(step.Workers),
            Round(step.Slots),
            Round(step.OldestSeconds),
            step.Succeeded,
            step.Failed,
            step.Cancelled,
            step.Expired,
            new Credits(step.Charged).Value,
            Round(step.RunTimes.Percentile(0.5)),
            Round(step.RunTimes.Percentile(0.95))
        );

    private static double? Round(double? value) => value is { } number ? Round(number) : null;

    private static double Round(double value) => Math.Round(value, 3);
}
