using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Output;

/// <summary>Reports on standard error what went wrong: the step, the reason, the log with its last lines, and what to do.</summary>
internal static class Failure
{
    private const int Interrupted = 130;
    private const int LogLines = 10;

    /// <summary>Writes the failure.</summary>
    /// <returns>The exit code.</returns>
    public static int Tell(Exception exception)
    {
        switch (exception)
        {
            case OperationCanceledException:
                Console.Error.WriteLine("Stopped. Nothing that this command started is left running.");
                return Interrupted;
            case StepException e:
                Console.Error.WriteLine($"FAILED: {e.Step}");
                Console.Error.WriteLine($"  why:        {e.Message}");
                TellLog(e.Log);
                Console.Error.WriteLine($"  what to do: {e.Advice}");
                return 1;
            case ServerException e:
                Console.Error.WriteLine($"FAILED: {e.Message}");
                TellLog(e.Log);
                return 1;
            default:
                Console.Error.WriteLine($"FAILED, and this command did not foresee how: {exception}");
                return 1;
        }
    }

    private static void TellLog(string? log)
    {
        if (log is null)
        {
            return;
        }

        Console.Error.WriteLine($"  log:        {log}");
        if (!File.Exists(log))
        {
            return;
        }

        foreach (string line in File.ReadLines(log).TakeLast(LogLines))
        {
            Console.Error.WriteLine($"    | {line}");
        }
    }
}
