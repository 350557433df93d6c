using System.Diagnostics;
using Generation.Storage;

namespace Generation.Tests.Api;

/// <summary>"migrate" and "keys" as operators run them: in processes of their own.</summary>
public sealed class OperatorCommandTests
{
    private TestScope _servers = null!;
    private string _folder = "";

    [SetUp]
    public async Task CreateServers()
    {
        _servers = await TestServers.NewScopeAsync();
        _folder = Directory.CreateTempSubdirectory("commands-").FullName;
    }

    [TearDown]
    public async Task DropServers()
    {
        await _servers.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public async Task Migrate_SeveralAtOnceAndAgain_MakesOneAccountAndOneKey()
    {
        string keyFile = Path.Combine(_folder, "key");
        await Task.WhenAll(RunAsync("migrate", "--first-key-file", keyFile), RunAsync("migrate"));
        string key = await File.ReadAllTextAsync(keyFile);
        string output = await RunAsync("migrate", "--first-key-file", keyFile);

        Assert.That(ApiKey.IsWellFormed(key.Trim()));
        Assert.That(await File.ReadAllTextAsync(keyFile), Is.EqualTo(key), "left as it is");
        Assert.That(File.GetUnixFileMode(keyFile), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(output, Is.Empty);
        string[] keys = (await RunAsync("keys", "list")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(keys, Has.Length.EqualTo(1));
        Assert.That(keys[0], Does.Contain("default").And.Contain("admin").And.Not.Contain(key.Trim()));
    }

    [Test]
    public async Task Keys_CreateListRevoke_GoTogether()
    {
        await RunAsync("migrate");
        string key = (await RunAsync("keys", "create", "--account", "someone", "--name", "laptop", "--scope", "read")).Trim();
        string listed = await RunAsync("keys", "list");
        string id = listed.Split(' ')[0];
        await RunAsync("keys", "revoke", id);

        Assert.That(ApiKey.IsWellFormed(key));
        Assert.That(listed, Does.Contain("someone").And.Contain("laptop").And.Contain("valid"));
        Assert.That(await RunAsync("keys", "list"), Does.Contain("revoked"));
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(TestContext.CurrentContext.TestDirectory, "Generation.Api.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["ConnectionStrings__Postgres"] = _servers.Postgres;
        start.Environment["ConnectionStrings__Redis"] = _servers.Redis;
        start.Environment["ConnectionStrings__RabbitMq"] = _servers.RabbitMq;
        start.Environment["Keys__SecretFile"] = Path.Combine(_folder, "secret");
        start.Environment["Results__Path"] = Path.Combine(_folder, "results");
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await process.WaitForExitAsync(limit.Token);
        Assert.That(process.ExitCode, Is.Zero, await errors);
        return await output;
    }
}
