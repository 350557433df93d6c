namespace Generation.Cli.Running;

/// <summary>One step of a command failed: which, why, where to look, and what to do.</summary>
public sealed class StepException(string step, string message, string? log, string advice, Exception? inner = null)
    : Exception(message, inner)
{
    public string Step { get; } = step;

    public string? Log { get; } = log;

    public string Advice { get; } = advice;
}
