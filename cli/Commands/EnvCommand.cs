using System.CommandLine;
using System.Text.Json.Nodes;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>The command `env`: prints lines for a shell to evaluate, or with `--all` every setting of the stack's programs.</summary>
internal static class EnvCommand
{
    public static Command Create()
    {
        var all = new Option<bool>("--all")
        {
            Description =
                "Every setting that the API and the workers read: its meaning, then NAME=VALUE, or #NAME=DEFAULT where it is not set.",
        };
        var command = new Command("env", "Print what sets GENERATION_URL and GENERATION_KEY: eval \"$(./generation env)\"") { all };
        command.SetAction(
            (result, token) =>
            {
                var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
                return result.GetValue(all) ? WriteAllAsync(stack, token) : Task.FromResult(Write(stack));
            }
        );
        return command;
    }

    private static int Write(Stack stack)
    {
        if (!stack.Api.IsRunning)
        {
            throw new StepException("find the running stack", "The API does not run.", null, "./generation up");
        }

        Console.WriteLine($"export GENERATION_URL='{stack.Url}'");
        Console.WriteLine($"export GENERATION_KEY='{stack.Key}'");
        return 0;
    }

    /// <summary>Prints all settings in the form of an environment file, which docker and editors read.</summary>
    private static async Task<int> WriteAllAsync(Stack stack, CancellationToken token)
    {
        // Servers that were never started have no addresses yet
        IReadOnlyDictionary<string, string> given = File.Exists(stack.SettingsFile)
            ? stack.ProgramSettings()
            : new Dictionary<string, string>();
        IReadOnlyList<string> lists = await stack.AskProgramsAsync("settings", token);
        IEnumerable<JsonNode> settings = lists
            .SelectMany(list => JsonNode.Parse(list)!.AsArray())
            .OfType<JsonNode>()
            .DistinctBy(setting => (string)setting["name"]!)
            .OrderBy(setting => (string)setting["name"]!, StringComparer.Ordinal);
        foreach (JsonNode setting in settings)
        {
            string name = (string)setting["name"]!;
            Console.WriteLine($"# {setting["meaning"]}");
            Console.WriteLine(given.TryGetValue(name, out string? value) ? $"{name}={value}" : $"#{name}={setting["default"]}");
        }

        return 0;
    }
}
