using System.CommandLine;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.Storage.Backup;
using Microsoft.Extensions.Options;

namespace Generation.Api.Commands;

/// <summary>The commands "backup" and "restore": they keep the database, the results, the secret and other files in one file.</summary>
internal static class BackupCommands
{
    /// <summary>The name that the file of Keys:SecretFile has in a backup.</summary>
    private const string SecretName = "secrets/keys";

    private static readonly Argument<string> File = new("file")
    {
        Description = "The backup; it holds secrets, and only its owner may read it",
    };

    public static Command Backup()
    {
        var files = new Option<string[]>("--file")
        {
            Description = "NAME=PATH: another file that goes along; may be repeated",
            DefaultValueFactory = _ => [],
        };
        var withoutResults = new Option<bool>("--without-results")
        {
            Description = "Leave the results store's files out, where it has a backup of its own",
        };
        var command = new Command("backup", "Write the database, the results and the secret to a file, while everything runs")
        {
            File,
            files,
            withoutResults,
        };
        command.SetAction(
            (result, cancellationToken) =>
                OperatorCommands.WithServicesAsync(async services =>
                {
                    await OperatorCommands.CheckSecretAsync(services, cancellationToken);
                    string path = Path.GetFullPath(result.GetValue(File)!);
                    var along = new Dictionary<string, string> { [SecretName] = SecretFileOf(services) };
                    foreach (string file in result.GetValue(files)!)
                    {
                        string[] parts = file.Split('=', 2);
                        if (parts.Length < 2 || !IsName(parts[0]))
                        {
                            throw new BackupException(
                                $"--file takes NAME=PATH, with a name of letters, digits, . _ - and /; not '{file}'."
                            );
                        }

                        along[parts[0]] = parts[1];
                    }

                    await OperatorCommands.EnterAsync(services, "backup.write", path, null, cancellationToken);
                    BackupManifest manifest = await ActivatorUtilities
                        .CreateInstance<BackupWriter>(services)
                        .WriteAsync(path, !result.GetValue(withoutResults), along, cancellationToken);
                    Console.WriteLine(
                        $"{path}: the database at {manifest.CreatedAt:u}, {manifest.Tables.Sum(table => table.Rows)} rows; "
                            + $"{manifest.Results} "
                            + $"result files; {manifest.Files.Count} other files."
                    );
                    if (manifest.MissingResults.Count > 0)
                    {
                        Console.WriteLine(
                            $"{manifest.MissingResults.Count} files that the database names were not in the results store: checkpoints "
                                + "that were "
                                + "replaced meanwhile, or results that are lost."
                        );
                    }

                    return 0;
                })
        );
        return command;
    }

    public static Command Restore()
    {
        var check = new Option<bool>("--check")
        {
            Description = "Only see whether the file is whole and can be restored here; change nothing",
        };
        var replace = new Option<bool>("--replace") { Description = "Delete what the database holds" };
        var adopt = new Option<bool>("--adopt") { Description = "Make the results store this database's if it is another's, out of use" };
        var folder = new Option<string?>("--files-to") { Description = "A folder for the other files; without it they are left out" };
        var command = new Command("restore", "Restore a backup; the API and the workers must not run")
        {
            File,
            check,
            replace,
            adopt,
            folder,
        };
        command.SetAction(
            (result, cancellationToken) =>
                OperatorCommands.WithOwnersServicesAsync(
                    async (services, programs) =>
                    {
                        string path = Path.GetFullPath(result.GetValue(File)!);
                        BackupReader reader = ActivatorUtilities.CreateInstance<BackupReader>(services);
                        (bool over, bool take) = (result.GetValue(replace), result.GetValue(adopt));
                        if (result.GetValue(check))
                        {
                            BackupManifest seen = await BackupReader.CheckAsync(path, cancellationToken);
                            await reader.CheckTargetAsync(path, seen, over, take, cancellationToken);
                            Console.WriteLine($"{path} is whole: the database at {seen.CreatedAt:u}, {seen.Results} result files.");
                            return 0;
                        }

                        BackupManifest manifest = await reader.RestoreAsync(
                            path,
                            over,
                            take,
                            (name, content) => WriteAsync(services, name, content, result.GetValue(folder), cancellationToken),
                            cancellationToken
                        );
                        await OperatorCommands.EnsureProgramRoleAsync(services, programs, cancellationToken);
                        await OperatorCommands.CheckSecretAsync(services, cancellationToken);
                        await OperatorCommands.EnterAsync(services, "backup.restore", path, new { manifest.CreatedAt }, cancellationToken);
                        // The store may have a seal of entries that were made after the backup
                        await services.GetRequiredService<AuditLog>().SealAsync(replace: true, cancellationToken);
                        Console.WriteLine($"Restored: the database at {manifest.CreatedAt:u}, {manifest.Results} result files.");
                        return 0;
                    }
                )
        );
        return command;
    }

    private static string SecretFileOf(IServiceProvider services) => services.GetRequiredService<IOptions<KeysOptions>>().Value.SecretFile;

    private static bool IsName(string name) =>
        name.Length is > 0 and < 200
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/')
        && name.Split('/').All(part => part.Length > 0 && part.Trim('.').Length > 0);

    private static async Task WriteAsync(
        IServiceProvider services,
        string name,
        Stream content,
        string? folder,
        CancellationToken cancellationToken
    )
    {
        using var reader = new StreamReader(content);
        if (name == SecretName)
        {
            PrivateFile.Replace(SecretFileOf(services), await reader.ReadToEndAsync(cancellationToken));
        }
        else if (folder is not null)
        {
            if (!IsName(name))
            {
                throw new BackupException($"The backup has a file with the name '{name}', which is no name that a backup gives.");
            }

            PrivateFile.Replace(Path.Combine(folder, name), await reader.ReadToEndAsync(cancellationToken));
        }
    }
}
