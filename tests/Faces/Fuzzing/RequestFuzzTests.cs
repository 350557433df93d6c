using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Fuzzing;
using Generation.Storage;
using Generation.Storage.Accounts;
using Generation.Storage.Database;
using Generation.Storage.Workers;
using Generation.TestSupport;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Generation.Faces.Tests.Fuzzing;

/// <summary>Twenty thousand wrong requests to the native API and all faces: none is answered with a fault of the server's.</summary>
public sealed class RequestFuzzTests
{
    private const int Requests = 20_000;
    private const int AtATime = 16;

    [Test]
    public async Task Api_WrongRequests_AreNeverTheServersFault()
    {
        await using TestScope servers = await TestServers.NewScopeAsync(token: FaceStack.Limit());
        string folder = Directory.CreateTempSubdirectory("fuzz-tests-").FullName;
        try
        {
            Dictionary<string, string?> settings = FaceStack.Settings(servers, folder);
            await MigrateAsync(settings);
            // Nothing runs here: calls that wait for pictures soon give up
            await using var api = FaceApi.Start(
                settings,
                0,
                ("Faces:WaitSeconds", "1"),
                ("Faces:ModelsLab:WaitSeconds", "0.1"),
                ("Faces:ModelsLab:CheckSeconds", "0.1"),
                ("Faces:Stablecog:WaitSeconds", "0.1"),
                ("Outbound:AllowedNetworks", ""),
                ("Outbound:TimeoutSeconds", "1"),
                ("Limits:RequestsPerSecond", "1000000"),
                ("Limits:Burst", "1000000"),
                ("UnknownKeys:PerMinute", "1000000")
            );
            string model = await File.ReadAllTextAsync(Path.Combine(TestModels.Ours, "demo.json"));
            ModelEntry entry = JsonSerializer.Deserialize<ModelEntry>(model, WireJson.Options)!;
            await api.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration("none", [entry], 1, null), default);
            string[] keys =
            [
                // Most calls of the poor end before a job is there, and all the same after all that reads them
                (await api.NewUserAsync(0)).Key,
                (await api.NewUserAsync(0)).Key,
                (await api.NewUserAsync(20)).Key,
                (await api.NewUserAsync(0, Scopes.Admin)).Key,
                (await api.NewUserAsync(0, Scopes.Read)).Key,
                "gk_wrong",
            ];
            using HttpClient client = api.Client();
            JsonObject description = JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json"))!.AsObject();
            var fuzzer = new RequestFuzzer(client, keys, [.. RequestSeeds.Of(description), .. RequestSeeds.OfFaces()]);

            FuzzReport report = await fuzzer.RunAsync(Requests, AtATime, seed: 1, FaceStack.Limit(600));

            Assert.That(report.Faults, Is.Empty, report.ToString());
            Assert.That(report.Refused, Is.LessThan(report.Inputs), "some are still right");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MigrateAsync(Dictionary<string, string?> settings)
    {
        await using ServiceProvider storage = new ServiceCollection()
            .AddLogging()
            .AddGenerationStorage(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())
            .BuildServiceProvider();
        await storage.GetRequiredService<Migrator>().MigrateAsync(FaceStack.Limit());
    }
}
