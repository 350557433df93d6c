namespace Generation.Cli.Servers;

/// <summary>A server could not be started, reached or stopped. The message says what to do; <see cref="Log"/> is where to look.</summary>
public sealed class ServerException(string message, string? log = null, Exception? inner = null) : Exception(message, inner)
{
    public string? Log { get; } = log;

    /// <summary>The end of its log, which mostly says why.</summary>
    public string? LogTail => Log is not null && File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(8)) : null;

    public override string ToString() => $"{base.ToString()}\n{Log}:\n{LogTail}";
}
