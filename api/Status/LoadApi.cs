using Generation.Api.Web;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Api.Status;

/// <summary>How busy the system is.</summary>
/// <param name="Queued">
/// Jobs that wait. Where more than 100,000 wait, the number of a model is estimated; the number in all is exact.
/// </param>
/// <param name="Running">Jobs that run.</param>
/// <param name="Workers">Live workers.</param>
/// <param name="Slots">Jobs that the workers can run at a time.</param>
/// <param name="FreeSlots">Slots without a job.</param>
/// <param name="ThroughputPerMinute">Jobs that succeeded in the last minute.</param>
/// <param name="WaitSeconds">Estimated time from now until a job submitted now would be done; absent while no worker can run it.</param>
/// <param name="OldestQueuedSeconds">How long the longest waiting job has waited.</param>
/// <param name="RunSeconds">Mean time of the latest jobs from start to end.</param>
/// <param name="Paused">Whether operators have paused the model: its jobs wait. Absent where that is not said of one model.</param>
public sealed record LoadFigures(
    long Queued,
    long Running,
    int Workers,
    int Slots,
    int FreeSlots,
    long ThroughputPerMinute,
    double? WaitSeconds,
    double? OldestQueuedSeconds,
    double? RunSeconds,
    bool? Paused
);

/// <summary>Load in all and for each model, by its name.</summary>
/// <param name="At">When the figures were taken, by the database's clock: what was committed before is in them.</param>
/// <param name="Total">The figures in all; a worker with several models counts once.</param>
/// <param name="Models">The figures of each model, by its name.</param>
public sealed record LoadAnswer(DateTimeOffset At, LoadFigures Total, IReadOnlyDictionary<string, LoadFigures> Models);

/// <summary>GET /v1/system/load: how busy the system is.</summary>
internal static class LoadApi
{
    public static void AddLoad(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<LoadCache>();
        builder.Services.AddSingleton<RunTimeCache>();
        builder.Services.AddSingleton<ApiMetrics>();
    }

    public static void MapLoad(this WebApplication app) =>
        app.MapGet("/v1/system/load", LoadAsync)
            .RequireAuthorization(Scopes.Read)
            .WithTags("System")
            .WithName("getLoad")
            .WithSummary("How busy the system is, in all and per model; at most one second old.")
            .Produces<LoadAnswer>()
            .ProducesProblems(401, 403, 503);

    private static async Task<IResult> LoadAsync(HttpContext http, LoadCache loads, CancellationToken cancellationToken)
    {
        SystemLoad load = await loads.GetAsync(cancellationToken);
        // They may be nearly as old as they are allowed to be
        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(AnswerOf(load));
    }

    internal static LoadAnswer AnswerOf(SystemLoad load)
    {
        var models = load.Models.ToDictionary(
            m => m.Model,
            m => new LoadFigures(
                m.Queued,
                m.Running,
                m.Workers,
                m.Slots,
                m.FreeSlots,
                m.FinishedLastMinute,
                LoadCache.EtaSeconds(m, LoadCache.Last(m, m.RunSeconds)),
                Age(m.OldestQueuedAt, load.At),
                m.RunSeconds is { } seconds ? Math.Round(seconds, 3) : null,
                m.Paused
            )
        );
        var total = new LoadFigures(
            models.Values.Sum(m => m.Queued),
            models.Values.Sum(m => m.Running),
            load.Workers,
            load.Slots,
            load.FreeSlots,
            models.Values.Sum(m => m.ThroughputPerMinute),
            models.Values.Max(m => m.WaitSeconds),
            models.Values.Max(m => m.OldestQueuedSeconds),
            RunSeconds: null,
            Paused: null
        );
        return new LoadAnswer(load.At, total, models);
    }

    private static double? Age(DateTimeOffset? since, DateTimeOffset now) =>
        since is { } at ? Math.Round(Math.Max(0, (now - at).TotalSeconds), 1) : null;
}
