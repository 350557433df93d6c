using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Service;

/// <summary>The worker's log messages. No prompt and no key is ever an argument.</summary>
internal static partial class WorkerLog
{
    [LoggerMessage(1, LogLevel.Information, "Worker {Id} runs {Models} model(s) in {Slots} slot(s)")]
    public static partial void Registered(ILogger logger, string id, int models, int slots);

    [LoggerMessage(2, LogLevel.Warning, "This worker could not report to the database, trying again: {Reason}")]
    public static partial void PresenceTrouble(ILogger logger, string reason);

    [LoggerMessage(3, LogLevel.Information, "By an operator's word this worker {Does}")]
    public static partial void Draining(ILogger logger, string does);

    [LoggerMessage(4, LogLevel.Information, "Stopped; {Jobs} running job(s) were finished or handed back")]
    public static partial void Stopped(ILogger logger, int jobs);

    [LoggerMessage(5, LogLevel.Warning, "Stopped before {Jobs} job(s) could be handed back; their leases will lapse")]
    public static partial void NotStopped(ILogger logger, int jobs);

    [LoggerMessage(6, LogLevel.Warning, "The process restarts: {Reason}")]
    public static partial void Recycling(ILogger logger, string reason);

    [LoggerMessage(7, LogLevel.Warning, "Clips are off: {Missing}")]
    public static partial void MakesNoClips(ILogger logger, string missing);

    [LoggerMessage(8, LogLevel.Information, "Clips are on")]
    public static partial void MakesClips(ILogger logger);

    [LoggerMessage(10, LogLevel.Warning, "The receive endpoint {Queue} could not be started or stopped")]
    public static partial void EndpointTrouble(ILogger logger, string queue, Exception exception);

    [LoggerMessage(11, LogLevel.Debug, "The command for job {JobId} is a copy: the job is not queued")]
    public static partial void CommandIsCopy(ILogger logger, JobId jobId);

    [LoggerMessage(12, LogLevel.Warning, "Job {JobId} could not be claimed, its command is sent on: {Reason}")]
    public static partial void ClaimFailed(ILogger logger, JobId jobId, string reason);

    [LoggerMessage(13, LogLevel.Warning, "The command for job {JobId} could not be sent on; the outbox sends it again: {Reason}")]
    public static partial void CommandNotSentOn(ILogger logger, JobId jobId, string reason);

    [LoggerMessage(20, LogLevel.Information, "Job {JobId} attempt {Attempt} started: {Kind} with {Model}")]
    public static partial void JobStarted(ILogger logger, JobId jobId, int attempt, JobKind kind, string model);

    [LoggerMessage(21, LogLevel.Information, "Job {JobId} attempt {Attempt} ended: {Outcome}, {Written}, after {Seconds:F2} s")]
    public static partial void JobEnded(ILogger logger, JobId jobId, int attempt, string outcome, FencedOutcome written, double seconds);

    [LoggerMessage(22, LogLevel.Error, "Job {JobId} attempt {Attempt} failed")]
    public static partial void JobFailed(ILogger logger, JobId jobId, int attempt, Exception exception);

    [LoggerMessage(23, LogLevel.Error, "Job {JobId} ran out of memory")]
    public static partial void OutOfMemory(ILogger logger, JobId jobId, Exception exception);

    [LoggerMessage(24, LogLevel.Error, "The runner of job {JobId} failed; its lease will lapse")]
    public static partial void RunnerFailed(ILogger logger, JobId jobId, Exception exception);

    [LoggerMessage(25, LogLevel.Warning, "The outcome of job {JobId} could not be written, trying again: {Reason}")]
    public static partial void OutcomeNotWritten(ILogger logger, JobId jobId, string reason);

    [LoggerMessage(26, LogLevel.Warning, "The results store did not take or give a file of job {JobId}, trying again: {Reason}")]
    public static partial void OutputNotStored(ILogger logger, JobId jobId, string reason);

    [LoggerMessage(30, LogLevel.Warning, "The lease is lost: the job belongs to another worker")]
    public static partial void LeaseLost(ILogger logger);

    [LoggerMessage(31, LogLevel.Warning, "The lease could not be renewed, trying again: {Reason}")]
    public static partial void LeaseNotRenewed(ILogger logger, string reason);

    [LoggerMessage(32, LogLevel.Error, "The lease keeper failed, and tries again")]
    public static partial void LeaseKeeperFailed(ILogger logger, Exception exception);

    [LoggerMessage(40, LogLevel.Information, "Continues from step {Step} of another worker's checkpoint")]
    public static partial void CheckpointRestored(ILogger logger, int step);

    [LoggerMessage(41, LogLevel.Warning, "The checkpoint cannot be used, the job begins again: {Reason}")]
    public static partial void CheckpointUnusable(ILogger logger, string reason);

    [LoggerMessage(42, LogLevel.Warning, "The checkpoint could not be stored: {Reason}")]
    public static partial void CheckpointNotSaved(ILogger logger, string reason);

    [LoggerMessage(43, LogLevel.Debug, "An old checkpoint could not be deleted: {Reason}")]
    public static partial void CheckpointNotForgotten(ILogger logger, string reason);

    [LoggerMessage(44, LogLevel.Information, "Job {JobId} came without a plan of this version, and is planned here")]
    public static partial void PlannedHere(ILogger logger, JobId jobId);

    [LoggerMessage(50, LogLevel.Error, "The model {Name} is left out: {Reason}")]
    public static partial void ModelEntryRefused(ILogger logger, string name, string reason);

    [LoggerMessage(51, LogLevel.Information, "Loaded {Name}, {MiB} MiB, in {Seconds:F2} s")]
    public static partial void ModelLoaded(ILogger logger, string name, long miB, double seconds);

    [LoggerMessage(52, LogLevel.Error, "The model {Name} could not be loaded")]
    public static partial void ModelNotLoaded(ILogger logger, string name, Exception exception);

    [LoggerMessage(53, LogLevel.Information, "Unloaded {Name}, {MiB} MiB, to make room")]
    public static partial void ModelEvicted(ILogger logger, string name, long miB);

    [LoggerMessage(55, LogLevel.Warning, "Pictures of strangers are decoded with less confinement than there could be: {Reason}")]
    public static partial void DecodersLack(ILogger logger, string reason);

    [LoggerMessage(54, LogLevel.Error, "The default model {Name} could not be loaded at the start: {Reason}")]
    public static partial void WarmUpFailed(ILogger logger, string name, string reason);
}
