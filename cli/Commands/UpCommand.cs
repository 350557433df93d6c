using System.CommandLine;
using Generation.Cli.Output;
using Generation.Cli.Running;
using Generation.Cli.Servers;

namespace Generation.Cli.Commands;

/// <summary>`up`: the whole stack runs, whatever ran before.</summary>
internal static class UpCommand
{
    private const int MostWorkers = 64;

    public static Command Create()
    {
        var workers = new Option<int?>("--workers")
        {
            Description =
                $"Workers to run, 1 to {MostWorkers}; the machine's cores are shared between them. Default: as many as run now, else 1.",
        };
        workers.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is { } count and (< 1 or > MostWorkers))
            {
                result.AddError($"--workers is {count}; it must be 1 to {MostWorkers}.");
            }
        });
        var command = new Command("up", "Start RabbitMQ, Redis, PostgreSQL, the API and workers, or what of them does not run.")
        {
            workers,
        };
        command.SetAction((result, token) => RunAsync(result.GetValue(workers), token));
        return command;
    }

    private static async Task<int> RunAsync(int? workers, CancellationToken token)
    {
        var folder = DataFolder.OfClone(Clone.Current.Root);
        var stack = new Stack(folder, new StackSettings { Workers = workers, Overrides = Overrides.KeptAndGiven(folder) });
        await stack.UpAsync(new Lines(), token);
        Console.WriteLine(
            $"""
            The API answers at {stack.Url}, its description is at {stack.Url}/docs.
            Its first key lies in {stack.KeyFile}; for this shell: eval "$(./generation env)"
            """
        );
        return 0;
    }
}
