using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Service.Models;
using Generation.Service.Queue;
using Generation.Storage.Jobs;
using Generation.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Generation.Service.Tests;

/// <summary>Models in memory: bounded, least recently used first out, shared, and broken ones told of.</summary>
public sealed class ModelCacheTests
{
    private ServiceScope _scope = null!;
    private string _folder = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _scope = await ServiceScope.CreateAsync();
        _folder = Directory.CreateTempSubdirectory("models-").FullName;
        foreach (string name in (string[])["demo", "second", "third"])
        {
            WriteEntry(name, Path.Combine(ServiceScope.Models, "demo"));
        }
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _scope.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public async Task Jobs_OverManyModels_KeepTheMostRecentlyUsedWithinTheBound()
    {
        WebApplication worker = await _scope.StartWorkerAsync("w1", ("Models:Path", _folder), ("Worker:ModelMemoryMiB", "120"));
        Assert.That(worker.Services.GetRequiredService<IOptions<MassTransit.UsageTelemetryOptions>>().Value.Enabled, Is.False);
        ModelCache cache = worker.Services.GetRequiredService<ModelCache>();
        string first = (await RunAsync("demo")).Outputs.Single().Sha256;
        await RunAsync("second");
        Assert.That(cache.Loaded, Is.EquivalentTo(new[] { "demo", "second" }));
        await RunAsync("demo");
        await RunAsync("third");
        Assert.That(cache.Loaded, Is.EquivalentTo(new[] { "demo", "third" }), "second was used longest ago");
        Assert.That(cache.Bytes, Is.LessThanOrEqualTo(120 << 20));
        await RunAsync("second");
        Assert.That((await RunAsync("demo")).Outputs.Single().Sha256, Is.EqualTo(first), "a model loaded again makes the same picture");
    }

    [Test]
    public async Task Acquire_WhileAJobHoldsTheMemory_WaitsForIt()
    {
        WebApplication worker = await _scope.StartWorkerAsync("w1", ("Models:Path", _folder), ("Worker:ModelMemoryMiB", "60"));
        ModelCache cache = worker.Services.GetRequiredService<ModelCache>();
        ModelLease held = await cache.AcquireAsync("demo", ServiceScope.Limit());
        Task<ModelLease> waiting = cache.AcquireAsync("second", ServiceScope.Limit());
        Task<ModelLease> same = cache.AcquireAsync("demo", ServiceScope.Limit());
        using (ModelLease shared = await same)
        {
            Assert.That(shared.Model, Is.SameAs(held.Model));
        }

        Assert.That(waiting.IsCompleted, Is.False);
        held.Dispose();
        using ModelLease second = await waiting;
        Assert.That(cache.Loaded, Is.EqualTo(new[] { "second" }));
    }

    [Test]
    public async Task Job_OfModelThatIsWarmElsewhere_WaitsForThatWorkerButNotForEver()
    {
        await _scope.StartWorkerAsync("warm", ("Models:Path", _folder), ("Worker:Models", "second"));
        WebApplication cold = await _scope.StartWorkerAsync("cold", ("Models:Path", _folder), ("Worker:Models", "demo,second"));
        await ServiceScope.EventuallyAsync(
            async () =>
                (await cold.Services.GetRequiredService<ModelAffinity>().LeaveToOthersAsync(ServiceScope.Limit())).Contains("second"),
            "the cold worker knows where the model is warm"
        );
        JobEndpoints endpoints = cold.Services.GetRequiredService<JobEndpoints>();
        await ServiceScope.EventuallyAsync(
            () => Task.FromResult(!endpoints.IsConsuming("second")),
            "the cold worker leaves the model's jobs to the warm one"
        );

        using JobHold hold = ServiceScope.Holds.AtStep(1);
        JobId first = await _scope.SubmitAndSendAsync(ServiceScope.Apple() with { Model = "second" });
        await hold.ReachedAsync();
        Assert.That((await _scope.FindAsync(first)).WorkerId, Is.EqualTo("warm"));

        // Sent, as the dispatcher marks it, while the warm worker is busy: after as long as a load takes the cold one takes it
        JobId second = await _scope.SubmitAsync(ServiceScope.Apple() with { Model = "second" });
        await _scope.ExecuteAsync($"UPDATE outbox SET dispatched_at = now() WHERE job_id = '{second}'");
        await _scope.SendAsync(second, "second");
        JobRow row = await _scope.WaitForEndAsync(second);
        Assert.That((row.State, row.WorkerId), Is.EqualTo((JobState.Succeeded, "cold")));
        Assert.That(row.StartedAt - row.CreatedAt, Is.GreaterThan(TimeSpan.FromSeconds(1)));
        hold.Release();
        Assert.That((await _scope.WaitForEndAsync(first)).State, Is.EqualTo(JobState.Succeeded));
    }

    [Test]
    public async Task Worker_WhoseModelIsWarmElsewhere_IsReadyHoweverLateTheBrokerAnswers()
    {
        await _scope.StartWorkerAsync("warm", ("Models:Path", _folder), ("Worker:Models", "second"));
        using var broker = new LateBroker(_scope.Settings()["ConnectionStrings:RabbitMq"]!);
        Task<WebApplication> starting = _scope.StartWorkerAsync(
            "cold",
            ("Models:Path", _folder),
            ("Worker:Models", "demo,second"),
            ("ConnectionStrings:RabbitMq", broker.Address)
        );
        await broker.Asked;
        await Task.Delay(TimeSpan.FromSeconds(2));
        Assert.That(starting.IsCompleted, Is.False, "without a broker no worker is ready");

        broker.Answer();

        JobEndpoints endpoints = (await starting).Services.GetRequiredService<JobEndpoints>();
        await ServiceScope.EventuallyAsync(
            () => Task.FromResult(!endpoints.IsConsuming("second")),
            "then it leaves the model's jobs to the warm one"
        );
    }

    [Test]
    public async Task Job_OfModelThatCannotBeLoaded_FailsInTheEndAndSaysSo()
    {
        string broken = Path.Combine(_folder, "broken-files");
        Directory.CreateDirectory(broken);
        await File.WriteAllTextAsync(Path.Combine(broken, "model_index.json"), "{}");
        WriteEntry("broken", broken);
        await _scope.StartWorkerAsync("w1", ("Models:Path", _folder), ("Worker:Models", "demo,broken"));
        JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple() with { Model = "broken" });
        for (int attempt = 1; attempt < 3; attempt++)
        {
            await _scope.WaitAsync(id, r => r.State == JobState.Queued && r.Attempt == attempt, $"attempt {attempt} is over");
            await _scope.SendAsync(id, "broken");
        }

        JobRow row = await _scope.WaitForEndAsync(id);
        Assert.That((row.State, row.Attempt, row.Error!.Code), Is.EqualTo((JobState.Failed, 3, "model_unavailable")));
        Assert.That(row.Error.Detail, Does.Contain("broken").And.Not.Contain(_folder));
        Assert.That(row.Charged, Is.EqualTo(Credits.Zero));
        Assert.That((await RunAsync("demo")).State, Is.EqualTo(JobState.Succeeded), "the other model works");
    }

    [Test]
    public void Catalog_WithEntryThatNamesNoWeights_LeavesItOut()
    {
        WriteEntry("nowhere", "not-there");
        File.WriteAllText(Path.Combine(_folder, "torn.json"), "{ \"name\": ");
        var catalog = new ModelCatalog(
            Microsoft.Extensions.Options.Options.Create(new Generation.Service.ModelsOptions { Path = _folder }),
            Microsoft.Extensions.Options.Options.Create(new Generation.Service.WorkerOptions()),
            [new RenderedKind(JobKind.Text2Img)],
            Microsoft.Extensions.Logging.Abstractions.NullLogger<ModelCatalog>.Instance
        );
        Assert.That(catalog.Entries.Select(e => e.Name), Is.EqualTo(new[] { "demo", "second", "third" }));
        Assert.That(
            () =>
                new ModelCatalog(
                    Microsoft.Extensions.Options.Options.Create(new Generation.Service.ModelsOptions { Path = _folder }),
                    Microsoft.Extensions.Options.Options.Create(new Generation.Service.WorkerOptions { Models = ["torn"] }),
                    [new RenderedKind(JobKind.Text2Img)],
                    Microsoft.Extensions.Logging.Abstractions.NullLogger<ModelCatalog>.Instance
                ),
            Throws.InvalidOperationException.With.Message.Contains("torn.json")
        );
    }

    private async Task<JobRow> RunAsync(string model)
    {
        JobRow row = await _scope.RunAsync(ServiceScope.Apple(steps: 2) with { Model = model });
        Assert.That(row.State, Is.EqualTo(JobState.Succeeded), row.Error?.Detail);
        return row;
    }

    private void WriteEntry(string name, string weights)
    {
        JsonObject entry = JsonNode.Parse(File.ReadAllText(Path.Combine(ServiceScope.Models, "demo.json")))!.AsObject();
        entry["name"] = name;
        entry["path"] = weights;
        entry["upscaler"]!["path"] = Path.Combine(ServiceScope.Models, "demo-upscaler");
        File.WriteAllText(Path.Combine(_folder, name + ".json"), entry.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }
}
