using System.Diagnostics.Metrics;
using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Storage.Jobs;
using Npgsql;

namespace Generation.Api.Status;

/// <summary>What the API counts. Labels are models, kinds and codes: few, and never an account.</summary>
internal sealed class ApiMetrics : IDisposable
{
    public const string MeterName = "Generation.Api";

    private readonly Meter _meter = new(MeterName);
    private readonly PrometheusText _prometheus = new(
        MeterName,
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "Npgsql",
        "System.Runtime"
    );
    private readonly Counter<long> _submitted;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _dispatched;
    private readonly Counter<long> _rescued;
    private readonly LoadCache _loads;

    public ApiMetrics(LoadCache loads)
    {
        _loads = loads;
        _submitted = _meter.CreateCounter<long>("generation.jobs.submitted", "{job}", "Jobs accepted");
        _refused = _meter.CreateCounter<long>("generation.requests.refused", "{request}", "Requests refused, by code");
        _dispatched = _meter.CreateCounter<long>("generation.jobs.dispatched", "{job}", "Messages that the broker took");
        _rescued = _meter.CreateCounter<long>("generation.jobs.rescued", "{job}", "Jobs whose worker was lost, by outcome");
    }

    public void Submitted(string model, JobKind kind) =>
        _submitted.Add(1, new("model", model), new("kind", kind.ToString().ToLowerInvariant()));

    public void Refused(string code) => _refused.Add(1, new KeyValuePair<string, object?>("code", code));

    public void Dispatched(string model, int count) => _dispatched.Add(count, new KeyValuePair<string, object?>("model", model));

    public void Rescued(RescueResult result)
    {
        _rescued.Add(result.Requeued, new KeyValuePair<string, object?>("outcome", "requeued"));
        _rescued.Add(result.Failed, new KeyValuePair<string, object?>("outcome", "failed"));
        _rescued.Add(result.Cancelled, new KeyValuePair<string, object?>("outcome", "cancelled"));
    }

    /// <summary>Answers with all metrics in Prometheus's text form, and with the system's load as gauges.</summary>
    public async Task<IResult> AnswerAsync(CancellationToken cancellationToken)
    {
        string text = _prometheus.Write();
        try
        {
            text += PrometheusText.Gauges([
                .. (await _loads.GetAsync(cancellationToken)).Models.SelectMany(m =>
                    new (string, string, double)[]
                    {
                        ("generation_queued_jobs", m.Model, m.Queued),
                        ("generation_running_jobs", m.Model, m.Running),
                        ("generation_workers", m.Model, m.Workers),
                        ("generation_slots", m.Model, m.Slots),
                        ("generation_free_slots", m.Model, m.FreeSlots),
                    }
                ),
            ]);
        }
        catch (NpgsqlException)
        {
            // The process's own figures are worth having just then
        }

        return Results.Text(text, PrometheusText.ContentType);
    }

    public void Dispose()
    {
        _prometheus.Dispose();
        _meter.Dispose();
    }
}
