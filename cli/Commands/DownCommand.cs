using System.CommandLine;
using Generation.Cli.Output;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>The command `down`: stops all of this clone's stack.</summary>
internal static class DownCommand
{
    public static Command Create()
    {
        var delete = new Option<bool>("--delete-data")
        {
            Description = "Also delete the stack's data: jobs, accounts, keys, results and logs. They cannot be restored.",
        };
        var command = new Command("down", "Stop the stack; its data stay for the next `up`.") { delete };
        command.SetAction((result, token) => RunAsync(result.GetValue(delete), token));
        return command;
    }

    private static async Task<int> RunAsync(bool delete, CancellationToken token)
    {
        var folder = DataFolder.OfClone(Clone.Current.Root);
        await new Stack(folder).DownAsync(new ProgressLines(), token);
        if (delete)
        {
            Directory.Delete(folder.Root, recursive: true);
            string link = Path.Combine(Clone.Current.Root, ".generation");
            if (new FileInfo(link).LinkTarget is not null)
            {
                File.Delete(link);
            }

            Console.WriteLine($"{folder.Root} is deleted.");
        }

        return 0;
    }
}
