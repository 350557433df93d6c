using System.Diagnostics;
using Generation.Hosting;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.TestSupport;

namespace Generation.Api.Tests;

/// <summary>"migrate", "keys" and "audit" as operators run them: in processes of their own.</summary>
public sealed class OperatorCommandTests
{
    private TestScope _servers = null!;
    private string _folder = "";

    [SetUp]
    public async Task CreateServers()
    {
        _servers = await TestServers.NewScopeAsync(migrated: false);
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

    [Test]
    public async Task AuditVerify_ChainWholeThenChanged_SaysSoByItsExitCode()
    {
        await RunAsync("migrate");
        await using var source = Npgsql.NpgsqlDataSource.Create(_servers.Postgres);
        var audit = new AuditLog(source, TimeProvider.System);
        for (int i = 1; i <= 3; i++)
        {
            await audit.AppendAsync("operator", "worker.drain", $"w{i}", null, default);
        }

        Assert.That(await RunAsync("audit", "verify"), Does.StartWith("3 entries"));

        // Past the trigger, as one with all rights in the database could
        await using (
            Npgsql.NpgsqlCommand change = source.CreateCommand(
                "ALTER TABLE audit_log DISABLE TRIGGER audit_log_only_grows; UPDATE audit_log SET target = 'w9' WHERE id = 2"
            )
        )
        {
            await change.ExecuteNonQueryAsync();
        }

        (int code, _, string errors) = await TryAsync("audit", "verify");
        Assert.That((code, errors), Is.EqualTo((1, "Entry 2 is missing or was changed; the 1 before it are as they were written.\n")));
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        (int code, string output, string errors) = await TryAsync(arguments);
        Assert.That(code, Is.Zero, errors);
        return output;
    }

    private async Task<(int Code, string Output, string Errors)> TryAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(DotnetHost.Path)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
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
        return (process.ExitCode, await output, await errors);
    }
}
