using System.Diagnostics;
using System.Text.Json.Nodes;
using Generation.Hosting;
using Generation.Hosting.Servers;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>The commands as a person runs them, on a stack of their own.</summary>
[TestFixture, PrivateServersOnly("what `./generation up` starts, `status` shows and `down` ends")]
public sealed partial class CommandTests
{
    private DataFolder _data = null!;
    private string _folder = null!;

    [OneTimeSetUp]
    public async Task UpAsync()
    {
        _data = DataFolder.Temporary("commands");
        _folder = Directory.CreateTempSubdirectory("generation-pictures-").FullName;
        Ended up = await RunAsync(["up"]);
        Assert.That(up.Code, Is.Zero, up.Text);
    }

    [OneTimeTearDown]
    public async Task DownAsync()
    {
        if (_second.IsValueCreated)
        {
            await RunAsync(["down", "--delete-data"], Second);
        }

        Ended down = await RunAsync(["down", "--delete-data"]);
        Directory.Delete(_folder, recursive: true);
        Assert.That(down.Code, Is.Zero, down.Text);
        Assert.That(Directory.Exists(_data.Root), Is.False);
    }

    [Test, CancelAfter(300_000)]
    public async Task Status_Json_TellsEveryProcess(CancellationToken token)
    {
        JsonNode status = await HealthyAsync(token);

        Assert.That(
            status["processes"]!.AsArray().Select(process => (string)process!["name"]!),
            Is.EquivalentTo(["postgres", "redis", "rabbitmq", "epmd", "api", "worker-1", "supervisor"])
        );
        foreach (JsonNode? process in status["processes"]!.AsArray())
        {
            Assert.That(Directory.Exists($"/proc/{(int)process!["pid"]!}"), process.ToJsonString());
            if ((string)process["name"]! != "supervisor")
            {
                Assert.That((int)process["port"]!, Is.GreaterThan(0));
                Assert.That((string)process["address"]!, Does.Contain("127.0.0.1"));
            }

            Assert.That((string)process["health"]!, Is.EqualTo("healthy"));
            Assert.That(File.Exists((string)process["log"]!), process.ToJsonString());
        }

        Assert.That((int)status["load"]!["total"]!["queued"]!, Is.Zero);
    }

    [Test, CancelAfter(300_000)]
    public async Task Up_Twice_KeepsEveryProcess(CancellationToken token)
    {
        string before = Pids(await StatusAsync(token));
        Ended up = await RunAsync(["up"], token: token);
        Assert.That(up.Code, Is.Zero, up.Text);
        Assert.That(Pids(await StatusAsync(token)), Is.EqualTo(before));
    }

    [Test, CancelAfter(300_000)]
    public async Task Up_AfterAKill_BringsBackWhatDied(CancellationToken token)
    {
        JsonNode before = await StatusAsync(token);
        foreach (string name in new[] { "api", "redis" })
        {
            new ManagedProcess(_data.Run, name).Signal(9);
        }

        Ended up = await RunAsync(["up"], token: token);
        Assert.That(up.Code, Is.Zero, up.Text);
        JsonNode after = await HealthyAsync(token);
        Assert.That((string)after["url"]!, Is.EqualTo((string)before["url"]!));
    }

    [Test, CancelAfter(300_000)]
    public async Task Up_ThenAKill_TheSupervisorBringsBackWhatDied(CancellationToken token)
    {
        await HealthyAsync(token);
        string[] names = ["api", "worker-1", "redis", "epmd"];
        int?[] before = [.. names.Select(name => new ManagedProcess(_data.Run, name).Pid)];
        foreach (string name in names)
        {
            new ManagedProcess(_data.Run, name).Signal(9);
        }

        for (int k = 0; k < names.Length; k++)
        {
            while (new ManagedProcess(_data.Run, names[k]).Pid is not { } pid || pid == before[k])
            {
                await Task.Delay(50, token);
            }
        }

        JsonNode status = await HealthyAsync(token);
        Assert.That(
            status["processes"]!.AsArray().Where(process => (int)process!["restarts"]! > 0).Select(process => (string)process!["name"]!),
            Is.SupersetOf(names)
        );
        string said = await File.ReadAllTextAsync(Path.Combine(_data.Logs, "supervisor.log"), token);
        Assert.That(said, Does.Contain("worker-1 died").And.Contain("worker-1 was started again"));
    }

    [Test, CancelAfter(300_000)]
    public async Task Keys_CreateListRevoke_GovernAccess(CancellationToken token)
    {
        Ended created = await RunAsync(["keys", "create", "--name", "of a test"], token: token);
        Assert.That(created.Code, Is.Zero, created.Text);
        string key = created.Text.Split('\n').Select(line => line.Trim()).Single(line => line.StartsWith("gk_", StringComparison.Ordinal));
        Ended listed = await RunAsync(["keys", "list"], token: token);

        Assert.That(listed.Text, Does.Contain("of a test").And.Not.Contain(key));
        string id = listed.Text.Split('\n').Single(line => line.Contains("of a test", StringComparison.Ordinal)).Split(' ')[0];
        Ended revoked = await RunAsync(["keys", "revoke", id], token: token);
        Assert.That(revoked.Code, Is.Zero, revoked.Text);
    }

    [Test, CancelAfter(300_000)]
    public async Task Env_All_SaysEverySettingWithItsMeaning(CancellationToken token)
    {
        Ended env = await RunAsync(["env", "--all"], token: token);

        Assert.That(env.Code, Is.Zero, env.Text);
        string[] lines = env.Text.TrimEnd().Split('\n');
        string[] settings = [.. lines.Where((_, at) => at % 2 == 1)];
        Assert.Multiple(() =>
        {
            Assert.That(lines.Where((_, at) => at % 2 == 0), Is.All.Match("^# \\S.+"), "a meaning before each");
            Assert.That(settings, Is.All.Match("^#?[A-Za-z_0-9]+="));
            Assert.That(
                settings,
                Does.Contain("#Jobs__LeaseSeconds=15").And.Contain("#Worker__Slots=1").And.Contain("Results__Kind=files")
            );
            Assert.That(settings, Has.Some.StartsWith("ConnectionStrings__Postgres=Host=127.0.0.1"));
        });
    }

    private static string Program => Clone.Current.ProgramOf("Generation.Cli");

    private static string Pids(JsonNode status) =>
        string.Join(
            ' ',
            status["processes"]!.AsArray().Select(process => $"{process!["name"]}={process["pid"]}").Order(StringComparer.Ordinal)
        );

    private async Task<JsonNode> StatusAsync(CancellationToken token, DataFolder? data = null) =>
        JsonNode.Parse((await RunAsync(["status", "--json"], data, token)).Text)!;

    /// <summary>The status once all is well: a look at a moment at which a process stands still says that it does not answer.</summary>
    private async Task<JsonNode> HealthyAsync(CancellationToken token, DataFolder? data = null)
    {
        while (true)
        {
            JsonNode status = await StatusAsync(token, data);
            if ((bool)status["healthy"]! && status["load"] is not null)
            {
                return status;
            }

            TestContext.Out.WriteLine(status.ToJsonString());
            await Task.Delay(500, token);
        }
    }

    private static async Task<bool> AnswersAsync(RestClient client, CancellationToken token)
    {
        try
        {
            using HttpResponseMessage answer = await client.Http.GetAsync(new Uri("/readyz", UriKind.Relative), token);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task<Ended> RunAsync(string[] arguments, DataFolder? data = null, CancellationToken token = default)
    {
        using Process process = Start(DotnetHost.Path, [Program, .. arguments], data);
        Task<string> output = process.StandardOutput.ReadToEndAsync(token);
        string errors = await process.StandardError.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        // Progress is told on standard error: standard output is for what was asked
        return new Ended(process.ExitCode, process.ExitCode == 0 ? await output : await output + errors);
    }

    private Process Start(string program, string[] arguments, DataFolder? data = null, params (string Name, string Value)[] environment)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        info.Environment["GENERATION_DATA"] = (data ?? _data).Root;
        // And not those of whoever works with this clone
        info.Environment["Models__Path"] = TestModels.Ours;
        // What killed processes leave goes with the folder
        info.Environment["TMPDIR"] = _folder;
        foreach ((string name, string value) in environment)
        {
            info.Environment[name] = value;
        }

        return Process.Start(info)!;
    }

    private sealed record Ended(int Code, string Text);
}
