using Generation.Diagnostics;
using Generation.Imaging.Video;
using Generation.Service.Jobs;
using Generation.Service.Models;
using Generation.Service.Presence;
using Generation.Service.Queue;
using Generation.Storage.Results;
using Generation.Torch;
using MassTransit;

namespace Generation.Service.Hosting;

/// <summary>The HTTP endpoints for monitoring: whether the process is alive, whether it takes jobs, and its metrics.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this WebApplication app)
    {
        // From the start, so that nothing is counted before it is listened to
        _ = app.Services.GetRequiredService<PrometheusText>();
        app.MapGet("/healthz", () => Results.Ok(new { status = "ok" }));
        app.MapGet("/readyz", Ready);
        app.MapGet("/metrics", (PrometheusText text) => Results.Text(text.Write(), PrometheusText.ContentType));
    }

    private static IResult Ready(
        WorkerPresence presence,
        WorkerWarmUp warmUp,
        SlotGate gate,
        ModelCache cache,
        JobEndpoints endpoints,
        ResultsWatch results,
        IBusControl bus
    )
    {
        BusHealthStatus broker = bus.CheckHealth().Status;
        string? problem =
            gate.IsClosed ? "it is ending, and takes no more jobs"
            : results.Problem is { } why ? why
            : broker == BusHealthStatus.Unhealthy ? "RabbitMQ does not answer"
            : !endpoints.IsBound ? "RabbitMQ has not made its queues"
            : !presence.IsKnown ? "it could not register in the database"
            : !warmUp.IsDone ? "its model is being loaded"
            : null;
        var answer = new
        {
            // One that is drained is as it should be
            status = problem is not null ? "not ready"
            : gate.IsDraining ? "draining"
            : "ready",
            problem,
            registered = presence.IsKnown,
            warm = warmUp.IsDone,
            broker = broker.ToString().ToLowerInvariant(),
            queues = endpoints.IsBound,
            results = results.Problem ?? "ok",
            draining = gate.IsDraining,
            ending = gate.IsClosed,
            slots = gate.Slots,
            slots_taken = gate.Taken,
            loaded = cache.Loaded,
            kernels = TorchRuntime.Describe(),
            clips = VideoEncoder.Missing is { } missing ? $"off, {missing}" : "on",
        };
        return Results.Json(answer, statusCode: problem is null ? 200 : 503);
    }
}
