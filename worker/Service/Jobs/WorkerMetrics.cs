using System.Diagnostics.Metrics;
using Generation.Contracts;
using Generation.Service.Models;
using Generation.Storage.Jobs;
using Generation.Torch;

namespace Generation.Service.Jobs;

/// <summary>The worker's metrics, as instruments of the meter "Generation.Worker". Any exporter can read them; /metrics does.</summary>
internal sealed class WorkerMetrics : IDisposable
{
    public const string MeterName = "Generation.Worker";

    private readonly Meter _meter = new(MeterName, Version);
    private readonly Counter<long> _jobs;
    private readonly Histogram<double> _jobSeconds;
    private readonly Counter<long> _steps;

    public WorkerMetrics(SlotGate gate, ModelCache cache)
    {
        _jobs = _meter.CreateCounter<long>("generation_worker_jobs", description: "Jobs ended, by outcome.");
        _jobSeconds = _meter.CreateHistogram<double>("generation_worker_job", "s", "How long jobs ran, by outcome.");
        _steps = _meter.CreateCounter<long>("generation_worker_steps", description: "Denoising steps done.");
        _meter.CreateObservableGauge("generation_worker_slots", () => gate.Slots, description: "Jobs that may compute at a time.");
        _meter.CreateObservableGauge("generation_worker_slots_taken", () => gate.Taken, description: "Jobs that compute.");
        _meter.CreateObservableGauge("generation_worker_models_loaded", () => cache.Loaded.Count, description: "Models in memory.");
        _meter.CreateObservableGauge("generation_worker_model_bytes", () => cache.Bytes, "By", "Bytes that loaded models take.");
        _meter.CreateObservableGauge("generation_worker_live_tensors", () => TorchExtras.LiveTensors, description: "Tensors in memory.");
        _meter.CreateObservableGauge(
            "generation_worker_resident_bytes",
            () => Environment.WorkingSet,
            "By",
            "Resident memory of the process."
        );
    }

    public static string Version { get; } = typeof(WorkerMetrics).Assembly.GetName().Version?.ToString(3) ?? "0";

    public void StepDone(string model) => _steps.Add(1, new KeyValuePair<string, object?>("model", model));

    public void JobEnded(JobKind kind, string model, JobOutcome outcome, FencedOutcome written, TimeSpan took)
    {
        string name = outcome switch
        {
            _ when written == FencedOutcome.Lost => "lost",
            JobOutcome.Done => "succeeded",
            JobOutcome.Failed or JobOutcome.Stopped { Reason: StopReason.TimeLimit } => "failed",
            JobOutcome.Retry => "retried",
            JobOutcome.Stopped { Reason: StopReason.CancelRequested } => "cancelled",
            JobOutcome.Stopped => "handed_back",
            _ => "unknown",
        };
        KeyValuePair<string, object?>[] labels =
        [
            new("kind", kind.ToString().ToLowerInvariant()),
            new("model", model),
            new("outcome", name),
        ];
        _jobs.Add(1, labels);
        _jobSeconds.Record(took.TotalSeconds, labels);
    }

    public void Dispose() => _meter.Dispose();
}
