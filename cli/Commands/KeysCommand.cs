using System.CommandLine;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>`keys ...`: API keys, as the API's own program makes, lists and revokes them.</summary>
internal static class KeysCommand
{
    public static Command Create()
    {
        var arguments = new Argument<string[]>("arguments")
        {
            Description = "create, list or revoke, with their arguments; none lists them.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Command("keys", "Create, list and revoke API keys of the running stack.") { arguments };
        command.SetAction((result, token) => RunAsync(result.GetValue(arguments) ?? [], token));
        return command;
    }

    private static Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken token)
    {
        var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
        if (!stack.Servers.Postgres.IsRunning)
        {
            throw new StepException("find the running stack", "PostgreSQL, which knows the keys, does not run.", null, "./generation up");
        }

        return stack.RunApiAsync(["keys", .. arguments], log: null, token);
    }
}
