using System.Diagnostics;
using Generation.Hosting;
using Generation.Storage.Accounts;
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
    public async Task AuditVerify_ChainWholeThenChangedOrCut_SaysSoByItsExitCode()
    {
        await RunAsync("migrate");
        for (int i = 1; i <= 3; i++)
        {
            await RunAsync("keys", "create", "--name", $"k{i}");
        }

        Assert.That(
            await RunAsync("audit", "verify"),
            Is.EqualTo("5 entries, each as it was written; their end is sealed up to entry 5.\n"),
            "the migration, the account, and three keys"
        );
        string seal = (await SealAsync("--replace")).Trim();

        await ChangeAsync("UPDATE audit_log SET target = target || 'x' WHERE id = 2");
        Assert.That(
            await RefusedAsync("audit", "verify"),
            Is.EqualTo("Entry 2 is missing or was changed; the 1 before it are as they were written.\n")
        );
        await ChangeAsync("UPDATE audit_log SET target = left(target, -1) WHERE id = 2");

        await ChangeAsync("DELETE FROM audit_log WHERE id > 4");
        const string Cut = "The log ends with entry 4, and was sealed when it had entry 6: its end was cut off.\n";
        Assert.That(await RefusedAsync("audit", "verify"), Is.EqualTo(Cut));
        Assert.That(await RefusedAsync("audit", "seal"), Does.Contain("its end was cut off"), "what was sealed is not forgotten for it");

        // Also where the results store was cut with it, by the seal that the logs have
        File.Delete(Path.Combine(_folder, "results", "audit-seal.json"));
        Assert.That(await RunAsync("audit", "verify"), Does.Contain("no seal was found"));
        Assert.That(await RefusedAsync("audit", "verify", "--seal", seal), Is.EqualTo(Cut));
        Assert.That(await RefusedAsync("audit", "verify", "--seal", "7" + seal[1..]), Does.Contain("was not signed by this server"));
    }

    [Test]
    public async Task AuditVerify_EndCutAndWrittenAnew_IsFound()
    {
        await RunAsync("migrate");
        await RunAsync("keys", "create", "--name", "first");
        await RunAsync("keys", "create", "--name", "second");

        await ChangeAsync("DELETE FROM audit_log WHERE id = 4");
        await RunAsync("keys", "create", "--name", "third");
        await RunAsync("keys", "create", "--name", "fourth");

        Assert.That(
            await RefusedAsync("audit", "verify"),
            Is.EqualTo("Entry 4 is not the one that was sealed: the log was written anew.\n")
        );
    }

    [Test]
    public async Task Commands_ThatChangeSomething_AreInTheAuditLog()
    {
        await RunAsync("migrate", "--first-key-file", Path.Combine(_folder, "key"));
        await RunAsync("keys", "create", "--account", "someone");
        await RunAsync("keys", "revoke", (await RunAsync("keys", "list")).Split(' ')[0]);
        await RunAsync("keys", "rotate-secret");
        await RunAsync("results", "adopt");
        await RunAsync("results", "sweep");
        await RunAsync("audit", "seal", "--replace");

        await using var source = Npgsql.NpgsqlDataSource.Create(_servers.Postgres);
        await using Npgsql.NpgsqlCommand command = source.CreateCommand("SELECT string_agg(action, ' ' ORDER BY id) FROM audit_log");
        Assert.That(
            await command.ExecuteScalarAsync(),
            Is.EqualTo(
                "database.migrate account.create key.create account.create key.create key.revoke keys.rotate_secret results.adopt "
                    + "results.sweep audit.seal"
            )
        );
        Assert.That(await RunAsync("audit", "verify"), Does.StartWith("10 entries"), "also over a change of the secret");
    }

    [Test]
    public async Task Secret_Lost_IsAnErrorThatSaysWhatToDoAndIsMadeAnewOnlyIfToldTo()
    {
        await RunAsync("migrate");
        string old = (await RunAsync("keys", "create")).Trim();
        string secret = Path.Combine(_folder, "secret");
        string kept = await File.ReadAllTextAsync(secret);
        File.Delete(secret);

        Assert.That(
            await RefusedAsync("keys", "create"),
            Does.Contain("Keys:SecretFile").And.Contain("from a backup").And.Contain("rotate-secret --lost")
        );
        Assert.That(File.Exists(secret), Is.False, "never silently made anew");

        await File.WriteAllTextAsync(secret, new string('a', 64) + "\n");
        Assert.That(await RefusedAsync("keys", "create"), Does.Contain("holds another secret"));
        Assert.That(await RefusedAsync("keys", "rotate-secret", "--lost"), Does.Contain("is there"));

        File.Delete(secret);
        Assert.That(await RunAsync("keys", "rotate-secret", "--lost"), Does.Contain("are void"));
        Assert.That(await IsValidAsync(old), Is.False);
        Assert.That(await IsValidAsync((await RunAsync("keys", "create")).Trim()));

        await File.WriteAllTextAsync(secret, kept);
        Assert.That(await RefusedAsync("keys", "create"), Does.Contain("holds another secret"));
    }

    [Test]
    public async Task Results_OfAnotherDatabase_AreAdoptedByCommand()
    {
        await RunAsync("migrate");
        Assert.That(await RunAsync("results", "check"), Does.Contain("is this database's"));
        string mark = Path.Combine(_folder, "results", "owner.json");
        string ours = await File.ReadAllTextAsync(mark);
        string database = System.Text.Json.JsonDocument.Parse(ours).RootElement.GetProperty("database").GetString()!;
        await File.WriteAllTextAsync(mark, ours.Replace(database, Guid.NewGuid().ToString(), StringComparison.Ordinal));

        Assert.That(await RefusedAsync("results", "check"), Does.Contain("belongs to another database").And.Contain("results adopt"));
        Assert.That(await RefusedAsync("results", "sweep"), Does.Contain("belongs to another database"));
        Assert.That(await RunAsync("results", "adopt"), Does.Contain("was another database's"));
        Assert.That(await RunAsync("results", "check"), Does.Contain("is this database's"));
        Assert.That(await RunAsync("results", "sweep"), Is.EqualTo("0 files deleted.\n"));
    }

    private Task<string> SealAsync(params string[] options) => RunAsync(["audit", "seal", .. options]);

    private async Task<string> RefusedAsync(params string[] arguments)
    {
        (int code, _, string errors) = await TryAsync(arguments);
        Assert.That(code, Is.EqualTo(1), errors);
        return errors;
    }

    private async Task<bool> IsValidAsync(string key)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(_servers.Postgres);
        var keys = new ApiKeyStore(source, KeySecret.Load(Path.Combine(_folder, "secret")));
        return await keys.FindCallerAsync(key, default) is not null;
    }

    /// <summary>Past the trigger, as one with all rights in the database could.</summary>
    private async Task ChangeAsync(string sql)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(_servers.Postgres);
        await using Npgsql.NpgsqlCommand change = source.CreateCommand(
            $"ALTER TABLE audit_log DISABLE TRIGGER audit_log_only_grows; {sql}; ALTER TABLE audit_log ENABLE TRIGGER audit_log_only_grows"
        );
        await change.ExecuteNonQueryAsync();
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
