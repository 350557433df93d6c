using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.TestSupport;

namespace Generation.Service.Tests;

/// <summary>The worker as a process: asked to end, and ended without being asked.</summary>
public sealed class WorkerProcessTests
{
    private ServiceScope _scope = null!;

    [SetUp]
    public async Task StartAsync() => _scope = await ServiceScope.CreateAsync();

    [TearDown]
    public async Task StopAsync() => await _scope.DisposeAsync();

    [Test]
    public async Task SigTerm_InMidJob_HandsBackAndExits()
    {
        using WorkerProcess worker = await WorkerProcess.StartAsync(_scope, "p1");
        using JobHold hold = ServiceScope.Holds.AtStep(3);
        JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        await hold.ReachedAsync();
        worker.Terminate();
        await worker.WaitForExitAsync();
        Assert.That(worker.ExitCode, Is.Zero);
        JobRow row = await _scope.FindAsync(id);
        Assert.That((row.State, row.Attempt), Is.EqualTo((JobState.Queued, 0)));
        Assert.That(row.Checkpoint!.Step, Is.EqualTo(3), "not a step more was done");
    }

    [Test]
    public async Task Kill_InMidJob_LeavesItToBeRescuedAndFinishedWithTheSameBytes()
    {
        Text2ImgRequest request = ServiceScope.Apple(steps: 8, seed: 3);
        using JobHold hold = ServiceScope.Holds.AtStep(3);
        JobId id;
        using (WorkerProcess first = await WorkerProcess.StartAsync(_scope, "p1"))
        {
            id = await _scope.SubmitAndSendAsync(request);
            await _scope.WaitAsync(id, r => r.Checkpoint is { Step: 3 }, "a checkpoint is kept");
            first.KillHard();
            await first.WaitForExitAsync();
        }

        await ServiceScope.EventuallyAsync(
            async () => (await _scope.Jobs.RescueAsync(3, CancellationToken.None)).Requeued == 1,
            "the lease lapses and the job is rescued"
        );
        using WorkerProcess second = await WorkerProcess.StartAsync(_scope, "p2");
        await _scope.SendAsync(id);
        JobRow row = await _scope.WaitForEndAsync(id);
        Assert.That((row.State, row.WorkerId, row.Attempt), Is.EqualTo((JobState.Succeeded, "p2", 2)));
        JobRow undisturbed = await _scope.RunAsync(request);
        Assert.That(row.Outputs.Single().Sha256, Is.EqualTo(undisturbed.Outputs.Single().Sha256));
    }

    [Test]
    public async Task Metrics_AfterAJob_CountIt()
    {
        using WorkerProcess worker = await WorkerProcess.StartAsync(_scope, "p1");
        await _scope.RunAsync(ServiceScope.Apple(steps: 4));
        using var http = new HttpClient { BaseAddress = worker.Address };
        await ServiceScope.EventuallyAsync(
            async () =>
                (await http.GetStringAsync("/metrics", ServiceScope.Limit())).Contains(
                    "generation_worker_jobs_total{kind=\"text2img\",model=\"demo\",outcome=\"succeeded\"} 1\n",
                    StringComparison.Ordinal
                ),
            "the job is counted"
        );
        string text = await http.GetStringAsync("/metrics", ServiceScope.Limit());
        Assert.That(
            text,
            Does.Contain("generation_worker_steps_total{model=\"demo\"} 4\n").And.Contain("# TYPE generation_worker_slots gauge")
        );
    }

    [Test]
    public async Task SigTerm_InAStepThatLasts_DoesNotWaitForIt()
    {
        using WorkerProcess worker = await WorkerProcess.StartAsync(_scope, "p1");
        // It would last for ever
        using JobHold hold = ServiceScope.Holds.InComputation(3);
        JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        await hold.ReachedAsync();

        worker.Terminate();
        await worker.WaitForExitAsync();

        Assert.That((worker.ExitCode, hold.IsReached), Is.EqualTo((0, true)));
        JobRow row = await _scope.FindAsync(id);
        Assert.That((row.State, row.Attempt), Is.EqualTo((JobState.Queued, 0)));
    }

    [Test]
    public async Task OutOfMemory_SendsTheJobBackAndTheProcessBeginsAnew()
    {
        string models = BoundlessModel();
        try
        {
            using WorkerProcess worker = await WorkerProcess.StartAsync(_scope, "p1", ("Models:Path", models));
            Assert.That((await _scope.RunAsync(ServiceScope.Apple(steps: 2, side: 64))).State, Is.EqualTo(JobState.Succeeded));

            worker.LimitMemory(more: 400 << 20);
            JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple(steps: 2, side: 3584));
            JobRow row = await _scope.WaitAsync(id, r => r is not { State: JobState.Running } and not { Attempt: 0 }, "the attempt ends");
            worker.LimitMemory(more: null);
            Assert.That((row.State, row.Attempt), Is.EqualTo((JobState.Queued, 1)), row.Error?.Detail);

            int process = worker.Id;
            await ServiceScope.EventuallyAsync(() => Task.FromResult(worker.Starts == 2), "the process begins anew");
            Assert.That((worker.HasExited, worker.Id), Is.EqualTo((false, process)));
            await worker.WaitUntilReadyAsync();
            Assert.That((await _scope.RunAsync(ServiceScope.Apple(steps: 2, side: 64))).State, Is.EqualTo(JobState.Succeeded));
        }
        finally
        {
            Directory.Delete(models, recursive: true);
        }
    }

    [Test]
    public async Task FullDisk_JobGoesBackAtNoCostAndIsDoneWhenThereIsRoom()
    {
        using WorkerProcess worker = await WorkerProcess.StartAsync(_scope, "p1", ("Worker:StoreSeconds", "1"));
        using var http = new HttpClient { BaseAddress = worker.Address };
        worker.LimitFileSize(1000);

        JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple(steps: 2));
        JobRow row = await _scope.WaitAsync(id, r => r is not { State: JobState.Running } and not { Attempt: 0 }, "the attempt ends");

        Assert.That((row.State, row.Attempt, row.Charged), Is.EqualTo((JobState.Queued, 1, Credits.Zero)), row.Error?.Detail);
        // Beside the mark of the store's owner, which fits
        string[] files = [.. Directory.GetFiles(_scope.ResultsFolder, "*", SearchOption.AllDirectories).Select(f => Path.GetFileName(f))];
        Assert.That(files, Is.EqualTo(new[] { "owner.json" }), "nothing is half written");
        // It takes no other job meanwhile, and says why
        string ready = "";
        await ServiceScope.EventuallyAsync(
            async () =>
                (ready = await (await http.GetAsync("/readyz", ServiceScope.Limit())).Content.ReadAsStringAsync()).Contains(
                    "Make room",
                    StringComparison.Ordinal
                ),
            () => $"/readyz says what is wrong: {ready}",
            60
        );
        await _scope.SendAsync(id);
        Assert.That(worker.HasExited, Is.False);

        worker.LimitFileSize(null);
        await worker.WaitUntilReadyAsync();
        row = await _scope.WaitForEndAsync(id);

        Assert.That((row.State, row.Attempt), Is.EqualTo((JobState.Succeeded, 2)), row.Error?.Detail);
        await _scope.ReadAsync(row.Outputs.Single().Sha256);
        Assert.That((await _scope.Get<Ledger>().CheckAsync(CancellationToken.None)).IsRight);
    }

    /// <summary>A folder with the demo model under an entry that allows sides far beyond what it was made for.</summary>
    private static string BoundlessModel()
    {
        JsonObject entry = JsonNode.Parse(File.ReadAllText(Path.Combine(ServiceScope.Models, "demo.json")))!.AsObject();
        entry["path"] = Path.Combine(ServiceScope.Models, "demo");
        entry["native_max_side"] = 4096;
        entry.Remove("upscaler");
        string folder = Directory.CreateTempSubdirectory("models-").FullName;
        File.WriteAllText(Path.Combine(folder, "demo.json"), entry.ToJsonString());
        return folder;
    }
}
