using Generation.Hosting.Servers;

namespace Generation.Hosting;

/// <summary>Runs a step of a command, and adds the step's name, its log and advice to whatever fails in it.</summary>
public static class Step
{
    public static async Task RunAsync(string name, Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (ServerException e)
        {
            throw new StepException(name, e.Message, e.Log, Advice(e), e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            throw new StepException(
                name,
                e.Message,
                null,
                "See that this user may write here and that the disk has room; then run the command again.",
                e
            );
        }
    }

    private static string Advice(ServerException e) =>
        e.Log is null
            ? "Fix what the message says, then run the command again."
            : "The log says why. Fix it and run the command again; `./generation down` before it starts everything anew.";
}

/// <summary>A step of a command failed: which step, why, where to look, and what to do.</summary>
public sealed class StepException(string step, string message, string? log, string advice, Exception? inner = null)
    : Exception(message, inner)
{
    public string Step { get; } = step;

    public string? Log { get; } = log;

    public string Advice { get; } = advice;
}
