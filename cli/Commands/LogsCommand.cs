using System.CommandLine;
using System.Diagnostics;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>The command `logs [NAME]`: shows the end of the log of one process, or of all.</summary>
internal static class LogsCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("name")
        {
            Description = "A process, by its name in `status`. Without it, all logs are shown.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var follow = new Option<bool>("--follow", "-f") { Description = "Keep showing new lines, until Ctrl-C." };
        var lines = new Option<int>("--lines", "-n") { Description = "How many lines of each log.", DefaultValueFactory = _ => 20 };
        var command = new Command("logs", "Show the processes' logs.") { name, follow, lines };
        command.SetAction((result, token) => RunAsync(result.GetValue(name), result.GetValue(follow), result.GetValue(lines), token));
        return command;
    }

    private static async Task<int> RunAsync(string? name, bool follow, int lines, CancellationToken token)
    {
        var folder = DataFolder.OfClone(Clone.Current.Root);
        string[] logs = [.. Directory.EnumerateFiles(folder.Logs, (name ?? "*") + ".log").Order(StringComparer.Ordinal)];
        if (logs.Length == 0)
        {
            string known = string.Join(
                ", ",
                Directory.EnumerateFiles(folder.Logs, "*.log").Select(Path.GetFileNameWithoutExtension).Order()
            );
            throw new StepException(
                "find the log",
                name is null ? "Nothing was started here yet." : $"There is no log of '{name}'; there are: {known}.",
                null,
                "./generation status"
            );
        }

        using var tail = Process.Start("tail", ["-n", $"{lines}", .. follow ? ["-F"] : Array.Empty<string>(), .. logs]);
        try
        {
            await tail.WaitForExitAsync(token);
            return tail.ExitCode;
        }
        catch (OperationCanceledException)
        {
            tail.Kill();
            return 0;
        }
    }
}
