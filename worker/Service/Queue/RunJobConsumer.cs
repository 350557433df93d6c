using Generation.Contracts;
using Generation.Diagnostics;
using Generation.Service.Jobs;
using Generation.Service.Running;
using Generation.Storage.Jobs;
using MassTransit;

namespace Generation.Service.Queue;

/// <summary>
/// Takes a command, claims its job, and returns, which acknowledges the message; the job runs apart from it. The message is a hint and the
/// row the truth, so nothing that happens here can lose a job: the outbox sends again what nobody claimed.
/// </summary>
internal sealed class RunJobConsumer(SlotGate gate, JobClaims claims, RunningJobs running, ILogger<RunJobConsumer> logger)
    : IConsumer<RunJob>
{
    /// <summary>How long a message may stay unacknowledged, so that it is always less than 10 s.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(8);

    public async Task Consume(ConsumeContext<RunJob> context)
    {
        RunJob command = context.Message;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        limit.CancelAfter(Limit);
        SlotTicket? slot = null;
        try
        {
            slot = await gate.EnterAsync(JobEndpoints.Patience, limit.Token);
            if (slot is null)
            {
                await SendOnAsync(context);
                return;
            }

            FaultPoint.Reach(FaultPoint.Received);
            ClaimedJob? job = await claims.ClaimAsync(command.JobId, limit.Token);
            if (job is null)
            {
                WorkerLog.CommandIsCopy(logger, command.JobId);
                return;
            }

            FaultPoint.Reach(FaultPoint.Claimed);
            running.Start(job, slot);
            slot = null;
        }
        catch (Exception e) when (e is OperationCanceledException || Transient.Is(e))
        {
            WorkerLog.ClaimFailed(logger, command.JobId, e.Message);
            await SendOnAsync(context);
        }
        finally
        {
            slot?.Dispose();
        }
    }

    /// <summary>
    /// Sends the command on, because another worker may be free, or may reach the database. A failure is harmless: the outbox sends the
    /// command again.
    /// </summary>
    private async Task SendOnAsync(ConsumeContext<RunJob> context)
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            ISendEndpoint exchange = await context.GetSendEndpoint(JobQueue.Exchange(context.Message.Model));
            await exchange.Send(context.Message, limit.Token);
        }
        catch (Exception e)
        {
            WorkerLog.CommandNotSentOn(logger, context.Message.JobId, e.Message);
        }
    }
}
