using System.Diagnostics;
using Generation.Contracts;

namespace Generation.Diagnostics;

/// <summary>
/// The spans of a job's life, from the request that submitted it over the broker to the worker: one trace, across all processes. They cost
/// nothing while nobody listens, and contain no prompt.
/// </summary>
public static class Tracing
{
    public const string SourceName = "Generation";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>The id of the present span, if it is recorded, from which later spans can continue the trace.</summary>
    public static string? Current => Activity.Current is { Recorded: true, IdFormat: ActivityIdFormat.W3C } activity ? activity.Id : null;

    /// <summary>The span of a job's message on its way to a worker, in the trace of the job's submission.</summary>
    public static Activity? Dispatch(JobId id, string model, string? trace) =>
        trace is null ? null : About(Source.StartActivity("dispatch job", ActivityKind.Internal, trace), id, model);

    /// <summary>The span of a worker's run of a job, in the trace of the message that brought it.</summary>
    public static Activity? Run(JobId id, string model, JobKind kind, int attempt) =>
        About(Source.StartActivity("run job"), id, model)
            ?.SetTag("generation.job.kind", kind.WireName())
            .SetTag("generation.job.attempt", attempt);

    private static Activity? About(Activity? activity, JobId id, string model) =>
        activity?.SetTag("generation.job.id", id.ToString()).SetTag("generation.model", model);
}
