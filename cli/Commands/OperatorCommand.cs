using System.CommandLine;
using Generation.Cli.Output;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>
/// The commands that the API's own program runs for operators on this clone's stack: `keys ...`, `results ...`, `audit ...`.
/// </summary>
internal static class OperatorCommand
{
    public static Command Create(string verb, string description)
    {
        var arguments = new Argument<string[]>("arguments")
        {
            Description = "What to do, with its arguments; --help after them says more, none lists what there is.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Command(verb, description) { arguments };
        command.SetAction((result, token) => RunAsync(verb, result.GetValue(arguments) ?? [], token));
        return command;
    }

    private static async Task<int> RunAsync(string verb, IReadOnlyList<string> arguments, CancellationToken token)
    {
        var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
        if ((verb, arguments) is ("keys", ["rotate-passwords"]))
        {
            await stack.RotatePasswordsAsync(new ProgressLines(), token);
            return 0;
        }

        return stack.Servers.Postgres.IsRunning
            ? await stack.RunApiAsync([verb, .. arguments], log: null, token)
            : throw new StepException("find the running stack", $"PostgreSQL, which '{verb}' asks, does not run.", null, "./generation up");
    }
}
