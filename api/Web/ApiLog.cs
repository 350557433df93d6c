using Generation.Contracts;

namespace Generation.Api.Web;

/// <summary>The API's log messages. No prompt and no key is ever an argument of one.</summary>
internal static partial class ApiLog
{
    [LoggerMessage(100, LogLevel.Information, "Job {JobId} submitted: {Kind} on {Model} for {Credits} credits")]
    public static partial void Submitted(ILogger logger, JobId jobId, JobKind kind, string model, decimal credits);

    [LoggerMessage(101, LogLevel.Information, "Job {JobId} is to be cancelled: {Outcome}")]
    public static partial void Cancelled(ILogger logger, JobId jobId, string outcome);

    [LoggerMessage(102, LogLevel.Warning, "Could not send {Count} jobs to {Queue}; they stay in the outbox and are tried again: {Reason}")]
    public static partial void SendFailed(ILogger logger, int count, string queue, string reason);

    [LoggerMessage(103, LogLevel.Warning, "Sent {Count} jobs to {Queue} again: nobody had claimed them")]
    public static partial void SentAgain(ILogger logger, int count, string queue);

    [LoggerMessage(
        104,
        LogLevel.Warning,
        "Rescued jobs of lost workers: {Requeued} wait again, {Failed} failed, {Cancelled} were cancelled"
    )]
    public static partial void Rescued(ILogger logger, int requeued, int failed, int cancelled);

    [LoggerMessage(105, LogLevel.Information, "{Count} jobs expired before a worker began them")]
    public static partial void Expired(ILogger logger, int count);

    [LoggerMessage(106, LogLevel.Error, "{Loop} failed and goes on in {Seconds} s")]
    public static partial void LoopFailed(ILogger logger, Exception exception, string loop, double seconds);

    [LoggerMessage(107, LogLevel.Error, "A request failed and was answered with 500, trace {TraceId}")]
    public static partial void RequestFailed(ILogger logger, Exception exception, string traceId);

    [LoggerMessage(108, LogLevel.Warning, "PostgreSQL does not answer, a request was refused with 503: {Reason}")]
    public static partial void DatabaseUnavailable(ILogger logger, string reason);

    [LoggerMessage(111, LogLevel.Warning, "A request was refused with 503, its pictures could not be stored: {Reason}")]
    public static partial void ResultsUnavailable(ILogger logger, string reason);

    [LoggerMessage(
        112,
        LogLevel.Information,
        "{Kind} on {Model} costs {PerJob} credits and {PerWork} for a megapixel-step, by the seconds of {Jobs} jobs"
    )]
    public static partial void PriceDerived(ILogger logger, JobKind kind, string model, decimal perJob, decimal perWork, long jobs);

    [LoggerMessage(
        110,
        LogLevel.Information,
        "Deleted the outputs of {Jobs} jobs whose time was over, and {Files} files that nothing names"
    )]
    public static partial void Swept(ILogger logger, int jobs, int files);

    [LoggerMessage(114, LogLevel.Information, "The audit log is sealed up to entry {Entry}: {Seal}")]
    public static partial void AuditSealed(ILogger logger, long entry, string seal);

    [LoggerMessage(115, LogLevel.Error, "The audit log was not sealed. {Problem}")]
    public static partial void AuditNotSealed(ILogger logger, string problem);

    [LoggerMessage(
        116,
        LogLevel.Information,
        "Deleted {Jobs} jobs, the prompts of {Wordless}, {Webhooks} webhook messages, {Keys} idempotency keys and {Entries} audit entries, "
            + "whose time was over"
    )]
    public static partial void Forgotten(ILogger logger, int jobs, long wordless, int webhooks, int keys, int entries);

    [LoggerMessage(113, LogLevel.Error, "Nothing was swept. {Problem}")]
    public static partial void NotSwept(ILogger logger, string problem);

    [LoggerMessage(109, LogLevel.Error, "The file of output {Index} of job {JobId} is gone")]
    public static partial void OutputGone(ILogger logger, JobId jobId, int index);

    [LoggerMessage(117, LogLevel.Error, "A preview was refused with 503, pictures cannot be decoded: {Reason}")]
    public static partial void NoDecoder(ILogger logger, string reason);

    [LoggerMessage(118, LogLevel.Error, "The tokens of prompts are not counted: {Problem}")]
    public static partial void VocabularyRefused(ILogger logger, string problem);
}
