using Generation.Contracts;
using Generation.Imaging.Video;
using Generation.Service.Jobs;
using Generation.Service.Models;
using Generation.Service.Rendering;
using Generation.Storage.Results;
using Generation.Storage.Workers;
using Generation.Torch;
using Microsoft.Extensions.Options;

namespace Generation.Service.Presence;

/// <summary>
/// Registers this worker and its models in the database, and reports every two seconds that it is alive. The answer may ask it to register
/// again, or to drain: a worker that an operator drains finishes its jobs, takes no others and keeps running until the operator takes that
/// back.
/// </summary>
internal sealed class WorkerPresence(
    WorkerRegistry registry,
    ModelCatalog catalog,
    ModelCache cache,
    ComputeThreads compute,
    SlotGate gate,
    ResultsWatch results,
    IOptions<WorkerOptions> options,
    TimeProvider time,
    ILogger<WorkerPresence> logger
) : BackgroundService
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(4);

    private string? _noClips;

    /// <summary>Whether the last report reached the database.</summary>
    public bool IsKnown { get; private set; }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(1));
            await registry.RemoveAsync(options.Value.Id, limit.Token);
        }
        catch (Exception e) when (Transient.Is(e) || e is OperationCanceledException)
        {
            // It stops being seen, which says the same a little later
            WorkerLog.PresenceTrouble(logger, e.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        bool registered = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            // One that can store nothing is as good as absent: nothing is sent to it, and jobs say why they wait
            if (results.Problem is null)
            {
                registered = await ReportAsync(registered, stoppingToken);
            }

            IsKnown = registered;
            await Task.Delay(registered ? WorkerRegistry.HeartbeatInterval : TimeSpan.FromSeconds(0.5), time, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Sends one registration or heartbeat, and returns whether this worker is registered afterwards.</summary>
    private async Task<bool> ReportAsync(bool registered, CancellationToken cancellationToken)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(CallLimit);
            string? noClips = VideoEncoder.Missing;
            if (!registered || noClips != _noClips)
            {
                TellOfClips(noClips, registered);
                await registry.RegisterAsync(Describe(), limit.Token);
                WorkerLog.Registered(logger, options.Value.Id, catalog.Entries.Count, options.Value.Slots);
            }

            HeartbeatAnswer answer = await registry.HeartbeatAsync(options.Value.Id, cache.Loaded, limit.Token);
            if (answer.Registered && answer.Draining != gate.IsDraining)
            {
                gate.Hold(Holds.Drain, answer.Draining);
                WorkerLog.Draining(logger, answer.Draining ? "takes no more jobs" : "takes jobs again");
            }

            if (answer.Registered)
            {
                gate.Hold(Holds.Unregistered, held: false);
            }

            return answer.Registered;
        }
        catch (Exception e)
            when ((Transient.Is(e) || e is OperationCanceledException or Npgsql.PostgresException)
                && !cancellationToken.IsCancellationRequested
            )
        {
            WorkerLog.PresenceTrouble(logger, e.Message);
            return registered && e is not Npgsql.PostgresException;
        }
        catch (OperationCanceledException)
        {
            return registered;
        }
    }

    // What encodes clips may be installed, or go, while the worker runs; the models are then registered anew
    private void TellOfClips(string? missing, bool isChange)
    {
        _noClips = missing;
        if (missing is not null)
        {
            WorkerLog.MakesNoClips(logger, missing);
        }
        else if (isChange)
        {
            WorkerLog.MakesClips(logger);
        }
    }

    private IEnumerable<ModelEntry> Models() =>
        _noClips is { } missing ? catalog.Entries.Select(entry => entry.Without(JobKind.Video, missing)) : catalog.Entries;

    private WorkerRegistration Describe() =>
        new(
            options.Value.Id,
            [.. Models()],
            options.Value.Slots,
            new
            {
                options.Value.Device,
                Dtype = options.Value.Dtype,
                compute.Threads,
                Kernels = TorchRuntime.Describe(),
                Clips = _noClips is { } missing ? $"off, {missing}" : "on",
                MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
                Version = WorkerMetrics.Version,
                Host = Environment.MachineName,
                Pid = Environment.ProcessId,
            },
            [.. SchedulerNames.All.Select(scheduler => new SchedulerEntry(scheduler.Name, $"{scheduler.Title}. {scheduler.Description}"))],
            catalog.Vocabularies
        );
}
