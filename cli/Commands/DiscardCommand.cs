using System.CommandLine;
using Generation.Cli.Running;
using Generation.Cli.Servers;

namespace Generation.Cli.Commands;

/// <summary>
/// `discard FOLDER`: ends what runs in a temporary data folder and deletes it. For <see cref="OrphanGuard"/>, not for people.
/// </summary>
internal static class DiscardCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("folder");
        var command = new Command("discard") { folder };
        command.Hidden = true;
        command.SetAction((result, token) => RunAsync(result.GetRequiredValue(folder), token));
        return command;
    }

    private static async Task<int> RunAsync(string path, CancellationToken token)
    {
        if (!Directory.Exists(path))
        {
            return 0;
        }

        var folder = DataFolder.At(path);
        if (!folder.IsTemporary)
        {
            await Console.Error.WriteLineAsync($"{path} is not a temporary data folder.");
            return 1;
        }

        await new Stack(folder, new StackSettings { Durable = false }).DownAsync(progress: null, token);
        Directory.Delete(folder.Root, recursive: true);
        return 0;
    }
}
