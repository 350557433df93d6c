using System.CommandLine;
using Generation.Cli.Output;
using Generation.Client;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>The command `up`: starts those parts of the stack that do not run.</summary>
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
        var serversOnly = new Option<bool>("--servers-only")
        {
            Description = "Leave the API and the workers out, and stop those that run: you start them, from an editor or by dotnet run.",
        };
        var command = new Command("up", "Start RabbitMQ, Redis, PostgreSQL, the API and workers, or what of them does not run.")
        {
            workers,
            serversOnly,
        };
        command.SetAction((result, token) => RunAsync(result.GetValue(workers), result.GetValue(serversOnly), token));
        return command;
    }

    private static async Task<int> RunAsync(int? workers, bool serversOnly, CancellationToken token)
    {
        var folder = DataFolder.OfClone(Clone.Current.Root);
        var stack = new Stack(
            folder,
            new StackSettings
            {
                Workers = workers,
                ServersOnly = serversOnly,
                Supervised = true,
                Overrides = Overrides.KeptAndGiven(folder),
            }
        );
        await stack.UpAsync(new ProgressLines(), token);
        if (serversOnly)
        {
            Console.WriteLine(
                $"""
                The servers are up; what programs need to know of them is in {stack.SettingsFile}.
                Start the programs from your editor, or:
                  dotnet run --project api --launch-profile api
                  dotnet run --project worker/Service --launch-profile worker
                The first API key lies in {stack.KeyFile}.
                """
            );
            return 0;
        }

        using GenerationClient client = stack.Client();
        Console.WriteLine(
            $"""
            To make pictures in a browser, signed in (this link opens once, within minutes; later: {stack.Url}):
              {await client.PageLinkAsync(token)}
            The API answers at {stack.Url}, its description is at {stack.Url}/docs.
            Its first key lies in {stack.KeyFile}; for this shell: eval "$(./generation env)"
            """
        );
        return 0;
    }
}
