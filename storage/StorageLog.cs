using Microsoft.Extensions.Logging;

namespace Generation.Storage;

/// <summary>What storage logs. No prompt and no key is ever an argument.</summary>
internal static partial class StorageLog
{
    [LoggerMessage(1, LogLevel.Warning, "Lost the connection that listens for dispatch signals, trying again in 1 s: {Reason}")]
    public static partial void ListenLost(ILogger logger, string reason);

    [LoggerMessage(2, LogLevel.Debug, "A dispatch signal could not be sent; dispatchers look by themselves within a second: {Reason}")]
    public static partial void NotifyFailed(ILogger logger, string reason);

    [LoggerMessage(3, LogLevel.Warning, "Redis does not take what changes; polls are answered from PostgreSQL: {Reason}")]
    public static partial void HotStateFailed(ILogger logger, string reason);

    [LoggerMessage(5, LogLevel.Error, "No results can be stored. {Problem}")]
    public static partial void ResultsFail(ILogger logger, string problem);

    [LoggerMessage(6, LogLevel.Information, "Results can be stored again")]
    public static partial void ResultsWork(ILogger logger);

    [LoggerMessage(4, LogLevel.Information, "Made the account {Name} with {Credits} free credits")]
    public static partial void AccountCreated(ILogger logger, string name, decimal credits);
}
