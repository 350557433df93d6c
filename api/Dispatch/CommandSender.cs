using System.Collections.Concurrent;
using Generation.Api.Status;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Storage.Jobs;
using MassTransit;

namespace Generation.Api.Dispatch;

/// <summary>
/// Sends the commands of jobs that are marked as sent, and puts back those that the broker did not take. Should the process
/// die in between, a dispatcher sends them again: nobody has claimed them.
/// </summary>
internal sealed class CommandSender(Outbox outbox, DispatchSignal signal, IBus bus, ApiMetrics metrics, ILogger<CommandSender> logger)
{
    private static readonly TimeSpan SendLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, bool> _open = new();
    private readonly ConcurrentDictionary<string, ISendEndpoint> _endpoints = new();

    /// <summary>
    /// Whether the dispatcher's last round found that a model's jobs may be sent as they are submitted. Whether a job really is
    /// sent is decided by the transaction that submits it.
    /// </summary>
    public bool IsOpen(string model) => _open.GetValueOrDefault(model);

    /// <summary>Notes what a dispatcher's round found: whether nothing of the model waits while workers take its jobs, and it is not paused.</summary>
    public void SetOpen(string model, bool isOpen) => _open[model] = isOpen;

    public static string QueueOf(string model) => "jobs." + model;

    /// <summary>
    /// Begins to send a job that was marked as sent when it was submitted, and returns at once: no answer waits for the broker.
    /// </summary>
    public void Start(JobRow job, string? trace) => _ = StartAsync(new OutboxEntry(job.Id, job.Model, trace));

    /// <summary>Sends jobs, and puts back those that the broker did not confirm; returns whether all went out.</summary>
    public async Task<bool> SendAsync(string model, IReadOnlyList<OutboxEntry> entries, CancellationToken cancellationToken)
    {
        if (entries.Count == 0)
        {
            return true;
        }

        FaultPoint.Reach(FaultPoint.Taken);
        var failed = new List<JobId>();
        string reason = "";
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            limit.CancelAfter(SendLimit);
            // An exchange address: a queue address would declare a classic queue of that name
            Task<(JobId Id, string? Reason)>[] sends = [.. entries.Select(e => SendOneAsync(e, limit.Token))];
            foreach ((JobId id, string? why) in await Task.WhenAll(sends))
            {
                if (why is not null)
                {
                    failed.Add(id);
                    reason = why;
                }
            }
        }

        FaultPoint.Reach(FaultPoint.Sent);
        metrics.Dispatched(model, entries.Count - failed.Count);
        if (failed.Count == 0)
        {
            return true;
        }

        ApiLog.SendFailed(logger, failed.Count, QueueOf(model), reason);
        SetOpen(model, false);
        // Also when stopping: another dispatcher then has them at once, and not after RedispatchSeconds
        await outbox.PutBackAsync(failed, CancellationToken.None);
        return false;
    }

    private async Task StartAsync(OutboxEntry entry)
    {
        try
        {
            if (!await SendAsync(entry.Model, [entry], CancellationToken.None))
            {
                signal.Raise();
            }
        }
        catch (Exception e)
        {
            // It stays marked as sent, and is sent again as one that nobody claimed
            ApiLog.SendFailed(logger, 1, QueueOf(entry.Model), e.Message);
        }
    }

    private async Task<(JobId Id, string? Reason)> SendOneAsync(OutboxEntry entry, CancellationToken cancellationToken)
    {
        // What the broker's client sends along goes on from here
        using System.Diagnostics.Activity? activity = Tracing.Dispatch(entry.JobId, entry.Model, entry.Trace);
        try
        {
            if (!_endpoints.TryGetValue(entry.Model, out ISendEndpoint? endpoint))
            {
                endpoint = await bus.GetSendEndpoint(new Uri($"exchange:{QueueOf(entry.Model)}")).WaitAsync(cancellationToken);
                _endpoints[entry.Model] = endpoint;
            }

            await endpoint
                .Send(
                    new RunJob(entry.JobId, entry.Model),
                    context =>
                    {
                        context.MessageId = NewId.NextGuid();
                        if (context.TryGetPayload(out RabbitMqSendContext? rabbit))
                        {
                            // No queue behind the exchange: returned, and not thrown away
                            rabbit.Mandatory = true;
                        }
                    },
                    cancellationToken
                )
                .WaitAsync(cancellationToken);
            return (entry.JobId, null);
        }
        catch (Exception e)
        {
            return (entry.JobId, e is OperationCanceledException ? $"no confirmation within {SendLimit.TotalSeconds} s" : e.Message);
        }
    }
}
