using System.CommandLine;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>
/// The commands `backup FILE` and `restore FILE`, for the stack's database, results, secret, first key and models' entries.
/// </summary>
internal static class BackupCommand
{
    private const string KeyName = "key";
    private const string ModelsFolder = "models/";

    private static readonly Argument<string> File = new("file")
    {
        Description = "The backup. It holds secrets: only its owner may read it.",
    };

    public static Command Backup()
    {
        var withoutResults = new Option<bool>("--without-results")
        {
            Description = "Leave the pictures out, where they have a backup of their own.",
        };
        var command = new Command("backup", "Write the stack's database, results, secrets and models' entries to a file, while it runs.")
        {
            File,
            withoutResults,
        };
        command.SetAction((result, token) => BackupAsync(result.GetValue(File)!, result.GetValue(withoutResults), token));
        return command;
    }

    public static Command Restore()
    {
        var replace = new Option<bool>("--replace") { Description = "Delete the jobs, accounts and keys that are there." };
        var adopt = new Option<bool>("--adopt")
        {
            Description = "Take the results store over from another database, which must be out of use.",
        };
        var command = new Command("restore", "Put a backup in place; the API and the workers are stopped for it.") { File, replace, adopt };
        command.SetAction((result, token) => RestoreAsync(result.GetValue(File)!, result.GetValue(replace), result.GetValue(adopt), token));
        return command;
    }

    private static Task<int> BackupAsync(string file, bool withoutResults, CancellationToken token)
    {
        var stack = new Stack(DataFolder.OfClone(Clone.Current.Root));
        if (!stack.Servers.Postgres.IsRunning)
        {
            throw new StepException("find the running stack", "PostgreSQL, which is backed up, does not run.", null, "./generation up");
        }

        List<string> arguments = ["backup", Path.GetFullPath(file)];
        if (System.IO.File.Exists(stack.KeyFile))
        {
            arguments.AddRange(["--file", $"{KeyName}={stack.KeyFile}"]);
        }

        foreach (string entry in Directory.EnumerateFiles(Clone.Current.Models, "*.json").Order(StringComparer.Ordinal))
        {
            arguments.AddRange(["--file", $"{ModelsFolder}{Path.GetFileName(entry)}={entry}"]);
        }

        if (withoutResults)
        {
            arguments.Add("--without-results");
        }

        return stack.RunApiAsync(arguments, log: null, token);
    }

    private static async Task<int> RestoreAsync(string file, bool replace, bool adopt, CancellationToken token)
    {
        var folder = DataFolder.OfClone(Clone.Current.Root);
        var stack = new Stack(folder);
        string path = Path.GetFullPath(file);
        string extracted = Path.Combine(folder.Root, $"restored-{Guid.NewGuid():N}");
        List<string> arguments = ["restore", path, "--files-to", extracted];
        arguments.AddRange(replace ? ["--replace"] : []);
        arguments.AddRange(adopt ? ["--adopt"] : []);
        try
        {
            // Before anything is stopped for it
            if (
                stack.Servers.Postgres.IsRunning
                && await stack.RunApiAsync([.. arguments, "--check"], log: null, token) is not 0 and var refused
            )
            {
                return refused;
            }

            // The database is made anew: nothing of what is there has to be brought forward first
            await stack.StopAsync(await ProgramsAsync(stack, token), token);
            await stack.Servers.EnsureAsync(started: null, token);
            int code = await stack.RunApiAsync(arguments, log: null, token);
            if (code != 0)
            {
                return code;
            }

            // Redis shows jobs as they were before; what is not there is read from the database
            await stack.Servers.Redis.StopAsync(token);
            await stack.Servers.Redis.EnsureAsync(token);
            PutBack(stack, extracted);
        }
        finally
        {
            if (Directory.Exists(extracted))
            {
                Directory.Delete(extracted, recursive: true);
            }
        }

        Console.WriteLine("Start the API and the workers: ./generation up");
        return 0;
    }

    /// <summary>The names of the API and the workers that are running.</summary>
    private static async Task<HashSet<string>> ProgramsAsync(Stack stack, CancellationToken token) =>
        [
            .. (await stack.CheckAsync(token))
                .Select(process => process.Name)
                .Except(stack.Servers.All.Select(server => server.Name))
                .Where(name => stack.ProcessOf(name).IsRunning && name != "epmd"),
        ];

    /// <summary>Puts the first key in its place, and a model's entry where there is none with its name.</summary>
    private static void PutBack(Stack stack, string extracted)
    {
        string key = Path.Combine(extracted, KeyName);
        if (System.IO.File.Exists(key))
        {
            System.IO.File.Move(key, stack.KeyFile, overwrite: true);
        }

        string models = Path.Combine(extracted, ModelsFolder);
        if (!Directory.Exists(models))
        {
            return;
        }

        foreach (string entry in Directory.EnumerateFiles(models))
        {
            string place = Path.Combine(Clone.Current.Models, Path.GetFileName(entry));
            if (!System.IO.File.Exists(place))
            {
                System.IO.File.Copy(entry, place);
                Console.WriteLine($"{place} is restored; its weights are not in the backup.");
            }
        }
    }
}
