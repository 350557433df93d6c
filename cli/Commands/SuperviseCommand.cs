using System.CommandLine;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>The process that `up` leaves running. It starts any process of the stack that dies again, until it is asked to end.</summary>
internal static class SuperviseCommand
{
    public static Command Create()
    {
        var command = new Command(Stack.SupervisorVerb, "Start again what of the stack dies; `up` runs this in the background.")
        {
            Hidden = true,
        };
        command.SetAction((_, token) => RunAsync(token));
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken token)
    {
        await new Stack(DataFolder.OfClone(Clone.Current.Root)).SuperviseAsync(new TimedLines(), token);
        return 0;
    }

    /// <summary>Writes lines of a log with the time of day.</summary>
    private sealed class TimedLines : IProgress<string>
    {
        public void Report(string value)
        {
            try
            {
                Console.WriteLine($"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ss.fffZ} {value}");
            }
            catch (IOException)
            {
                // The disk is full: what cannot be said is still done
            }
        }
    }
}
