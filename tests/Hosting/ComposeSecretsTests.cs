using System.Diagnostics;
using System.Text.Json;
using Generation.Hosting.Servers;
using Generation.TestSupport;

namespace Generation.Hosting.Tests;

/// <summary>What deploy/docker/make-secrets writes for docker-compose.yml, taken by a real RabbitMQ.</summary>
[TestFixture, PrivateServersOnly("a RabbitMQ that the test may give other users")]
public sealed class ComposeSecretsTests
{
    private string _folder = "";

    [SetUp]
    public void CopyScript()
    {
        _folder = Directory.CreateTempSubdirectory("compose-").FullName;
        Directory.CreateDirectory(Path.Combine(_folder, "deploy", "docker"));
        File.Copy(
            Path.Combine(Clone.Current.Root, "deploy", "docker", "make-secrets"),
            Path.Combine(_folder, "deploy", "docker", "make-secrets")
        );
    }

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test, CancelAfter(240_000)]
    public async Task MakeSecrets_Definitions_GiveTheProgramsTheirUsersAndPermissions(CancellationToken token)
    {
        await MakeAsync(token);
        string[] first = await File.ReadAllLinesAsync(Path.Combine(_folder, ".env"), token);
        await MakeAsync(token);
        Assert.That(await File.ReadAllLinesAsync(Path.Combine(_folder, ".env"), token), Is.EqualTo(first), "what is there stays");
        Assert.That(File.GetUnixFileMode(Path.Combine(_folder, ".env")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));

        string path = Path.Combine(_folder, ".rabbitmq-definitions.json");
        using var definitions = JsonDocument.Parse(await File.ReadAllTextAsync(path, token));
        BrokerUser[] wanted = [BrokerUser.ForApi("generation-api", ""), BrokerUser.ForWorkers("generation-worker", "")];
        Assert.That(
            definitions
                .RootElement.GetProperty("permissions")
                .EnumerateArray()
                .Select(p => new BrokerUser(Text(p, "user"), "", Text(p, "configure"), Text(p, "write"), Text(p, "read"))),
            Is.EqualTo(wanted),
            "as the stack of a clone has them"
        );

        var servers = new PrivateServers(DataFolder.Temporary("compose"), new ServerSettings(Durable: false));
        await servers.RabbitMq.EnsureAsync(token);
        try
        {
            // The server's own user reads it
            string theirs = Path.Combine(servers.Folder.Root, "definitions.json");
            File.Copy(path, theirs);
            await servers.RabbitMq.EvaluateAsync(
                $"{{ok, All}} = file:read_file(\"{theirs}\"), rabbit_definitions:import_raw(All), ok.",
                token
            );
            var passwords = first.Select(line => line.Split('=')).ToDictionary(line => line[0], line => line[1]);
            Assert.That(await servers.RabbitMq.TakesAsync("generation-api", passwords["RABBITMQ_API_PASSWORD"], token));
            Assert.That(await servers.RabbitMq.TakesAsync("generation-worker", passwords["RABBITMQ_WORKER_PASSWORD"], token));
            Assert.That(await servers.RabbitMq.TakesAsync("generation-api", passwords["RABBITMQ_WORKER_PASSWORD"], token), Is.False);
        }
        finally
        {
            await servers.RabbitMq.StopAsync(token);
        }

        static string Text(JsonElement of, string name) => of.GetProperty(name).GetString()!;
    }

    private async Task MakeAsync(CancellationToken token)
    {
        using var process = Process.Start("bash", [Path.Combine(_folder, "deploy", "docker", "make-secrets")]);
        await process.WaitForExitAsync(token);
        Assert.That(process.ExitCode, Is.Zero);
    }
}
