using System.Diagnostics.Metrics;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Storage.Jobs;
using Npgsql;

namespace Generation.Api.Status;

/// <summary>What the API counts. Labels are models, kinds and codes: few, and never an account.</summary>
internal sealed class ApiMetrics : IDisposable
{
    public const string MeterName = "Generation.Api";

    private const string Requests = "Microsoft.AspNetCore.Hosting";
    private const string Runtime = "System.Runtime";

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    /// <summary>The meters whose labels name no host, user or path of the machine.</summary>
    private static readonly string[] Public = [MeterName, Requests, Runtime];

    private readonly Meter _meter = new(MeterName);
    private readonly PrometheusText _prometheus = new([.. Public, "Microsoft.AspNetCore.Server.Kestrel", "Npgsql"]);
    private readonly Counter<long> _submitted;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _dispatched;
    private readonly Counter<long> _rescued;
    private readonly LoadCache _loads;
    private readonly Snapshot<string> _all;
    private readonly Snapshot<string> _public;

    public ApiMetrics(LoadCache loads, TimeProvider time)
    {
        _loads = loads;
        _all = new Snapshot<string>(MaxAge, time, _ => WriteAsync(null));
        _public = new Snapshot<string>(MaxAge, time, _ => WriteAsync(Public));
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

    /// <summary>
    /// Answers with the metrics in Prometheus's text format, and with the system's load as gauges. The text is written at most once a
    /// second, however many callers ask. Metrics that name the servers are for operators only.
    /// </summary>
    public async Task<IResult> AnswerAsync(HttpContext http, CancellationToken cancellationToken) =>
        Results.Text(await (Operators.Has(http) ? _all : _public).GetAsync(cancellationToken), PrometheusText.ContentType);

    private async Task<string> WriteAsync(string[]? meters)
    {
        string text = _prometheus.Write(meters);
        try
        {
            text += PrometheusText.Gauges([
                .. (await _loads.GetAsync(CancellationToken.None)).Models.SelectMany(m =>
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

        return text;
    }

    public void Dispose()
    {
        _all.Dispose();
        _public.Dispose();
        _prometheus.Dispose();
        _meter.Dispose();
    }
}
