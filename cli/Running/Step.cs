using Generation.Cli.Servers;

namespace Generation.Cli.Running;

/// <summary>Puts a step's name, its log and advice to whatever goes wrong in it.</summary>
internal static class Step
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
            ? "Mend what the message says, then run the command again."
            : "The log says why. Mend it and run the command again; `./generation down` first starts everything anew.";
}
