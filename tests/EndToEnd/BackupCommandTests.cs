using System.Diagnostics;
using Generation.Hosting;
using Generation.Hosting.Servers;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>`backup` of one stack, and `restore` in another and in itself, as a person runs them.</summary>
[TestFixture, PrivateServersOnly("stacks whose servers `./generation restore` starts and stops")]
public sealed class BackupCommandTests
{
    private static readonly string Program = Clone.Current.ProgramOf("Generation.Cli");

    private DataFolder _first = null!;
    private DataFolder _second = null!;
    private string _folder = "";

    [OneTimeSetUp]
    public void MakeFolders()
    {
        _first = DataFolder.Temporary("backup");
        _second = DataFolder.Temporary("restore");
        _folder = Directory.CreateTempSubdirectory("generation-backup-").FullName;
    }

    [OneTimeTearDown]
    public async Task DownAsync()
    {
        foreach (DataFolder data in new[] { _first, _second })
        {
            await RunAsync(data, 0, ["down", "--delete-data"]);
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Test, CancelAfter(600_000)]
    public async Task Backup_RestoredInAnotherStack_HasKeysSecretAndAuditLog()
    {
        string file = Path.Combine(_folder, "backup.tar");
        await RunAsync(_first, 0, ["up", "--servers-only"]);
        await RunAsync(_first, 0, ["keys", "create", "--name", "kept"]);

        string written = await RunAsync(_first, 0, ["backup", file]);
        await RunAsync(_first, 0, ["keys", "create", "--account", "someone", "--name", "later"]);
        string refused = await RunAsync(_first, 1, ["restore", file]);
        string restored = await RunAsync(_second, 0, ["restore", file]);
        string keys = await RunAsync(_second, 0, ["keys", "list"]);

        Assert.That(written, Does.StartWith(file));
        Assert.That(refused, Does.Contain("--replace"));
        Assert.That(restored, Does.Contain("Restored: the database at").And.Contain("./generation up"));
        Assert.That(keys, Does.Contain("kept").And.Not.Contain("later"));
        Assert.That(await RunAsync(_second, 0, ["audit", "verify"]), Does.Contain("each as it was written"));
        Assert.That(await RunAsync(_second, 0, ["results", "check"]), Does.Contain("is this database's"));
        Assert.That(await File.ReadAllTextAsync(KeyOf(_second)), Is.EqualTo(await File.ReadAllTextAsync(KeyOf(_first))));
        Assert.That(await File.ReadAllTextAsync(_second.KeySecretFile), Is.EqualTo(await File.ReadAllTextAsync(_first.KeySecretFile)));

        File.Delete(_first.KeySecretFile);
        string lost = await RunAsync(_first, 1, ["keys", "create"]);
        Assert.That(lost, Does.Contain("from a backup"));
        Assert.That(File.Exists(_first.KeySecretFile), Is.False, "never silently made anew");
        await RunAsync(_first, 0, ["restore", file, "--replace"]);
        Assert.That(await RunAsync(_first, 0, ["keys", "list"]), Does.Contain("kept").And.Not.Contain("later"));
    }

    private static string KeyOf(DataFolder data) => Path.Combine(data.Root, "key");

    private async Task<string> RunAsync(DataFolder data, int code, string[] arguments)
    {
        var info = new ProcessStartInfo(DotnetHost.Path, [Program, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        info.Environment["GENERATION_DATA"] = data.Root;
        using Process process = Process.Start(info)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = await process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await process.WaitForExitAsync(limit.Token);
        Assert.That(process.ExitCode, Is.EqualTo(code), $"{string.Join(' ', arguments)}: {await output}{errors}");
        return code == 0 ? await output : await output + errors;
    }
}
