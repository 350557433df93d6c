using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Service.Jobs;
using Generation.Storage.Jobs;
using Generation.Storage.Workers;
using Generation.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Generation.Service.Tests;

/// <summary>What can happen to a running job: cancelled, handed back, taken away, its worker gone.</summary>
public sealed class JobLifeTests
{
    private ServiceScope _scope = null!;

    [SetUp]
    public async Task StartAsync() => _scope = await ServiceScope.CreateAsync();

    [TearDown]
    public async Task StopAsync() => await _scope.DisposeAsync();

    [Test]
    public async Task Register_AWorker_TellsTheSchedulersByName()
    {
        await _scope.StartWorkerAsync("w1");
        await ServiceScope.EventuallyAsync(
            async () => (await _scope.Registry.SchedulersAsync(CancellationToken.None)).Count > 0,
            "the worker is registered"
        );
        IReadOnlyList<SchedulerEntry> told = await _scope.Registry.SchedulersAsync(CancellationToken.None);
        Assert.Multiple(() =>
        {
            Assert.That(
                told.Select(s => s.Name),
                Is.SupersetOf(new[] { "ddim", "euler", "euler_a", "dpmpp_2m_karras", "unipc", "lcm", "flow_euler" })
            );
            Assert.That(told.Select(s => s.Description), Has.None.Empty);
        });
    }

    [Test]
    public async Task Cancel_OfRunningJob_StopsItAndChargesWhatWasUsed()
    {
        await _scope.StartWorkerAsync("w1");
        (JobId id, JobHold hold) = await HeldAsync(ServiceScope.Apple(steps: 100), step: 5);
        using JobHold held = hold;
        CancelResult asked = await _scope.Jobs.CancelAsync(id, null, CancellationToken.None);
        Assert.That(asked.Outcome, Is.EqualTo(CancelOutcome.Requested));
        JobRow row = await _scope.WaitForEndAsync(id);
        Assert.That(row.State, Is.EqualTo(JobState.Cancelled));
        Assert.That(row.Charged, Is.EqualTo(Credits.Of(0.05m)), "not a step more was done");
        Assert.That(row.Outputs, Is.Empty);
    }

    [Test]
    public async Task Cancel_ThatRedisDidNotTell_ArrivesWithTheRenewal()
    {
        await _scope.StartWorkerAsync("w1");
        (JobId id, JobHold hold) = await HeldAsync(ServiceScope.Apple(), step: 2);
        using JobHold held = hold;
        await _scope.ExecuteAsync($"UPDATE jobs SET cancel_requested = true WHERE id = '{id}'");
        JobRow row = await _scope.WaitForEndAsync(id);
        Assert.That(row.State, Is.EqualTo(JobState.Cancelled));
    }

    [Test]
    public async Task Shutdown_InMidJob_HandsItBackAndAnotherWorkerComesToTheSameBytes()
    {
        Text2ImgRequest request = ServiceScope.Apple(steps: 8, seed: 5, images: 2);
        WebApplication first = await _scope.StartWorkerAsync("w1");
        JobId undisturbed = await _scope.SubmitAndSendAsync(request);
        string[] expected = [.. (await _scope.WaitForEndAsync(undisturbed)).Outputs.Select(o => o.Sha256)];

        (JobId id, JobHold hold) = await HeldAsync(request, step: 11);
        using JobHold held = hold;
        await first.StopAsync(ServiceScope.Limit());

        JobRow handedBack = await _scope.FindAsync(id);
        Assert.That((handedBack.State, handedBack.Attempt), Is.EqualTo((JobState.Queued, 0)));
        Assert.That(handedBack.Checkpoint!.Step, Is.EqualTo(11), "not a step more was done");

        await _scope.StartWorkerAsync("w2");
        await _scope.SendAsync(id);
        JobRow row = await _scope.WaitForEndAsync(id);
        Assert.That((row.State, row.WorkerId, row.Attempt), Is.EqualTo((JobState.Succeeded, "w2", 1)));
        Assert.That(row.Outputs.Select(o => o.Sha256), Is.EqualTo(expected));
        await ServiceScope.EventuallyAsync(
            async () => await _scope.Results.OpenAsync(handedBack.Checkpoint.Sha256, CancellationToken.None) is null,
            "the checkpoint is deleted"
        );
    }

    [Test]
    public async Task Shutdown_InTheSecondPassOfAPicture_GoesOnThereToTheSameBytes()
    {
        // 8 steps at 64 pixels for each of two pictures, then 4 over each at 128
        Text2ImgRequest request = ServiceScope.Apple(steps: 8, seed: 5, images: 2, side: 128) with { HiresFix = new HiresFix(2, 0.5, 8) };
        WebApplication first = await _scope.StartWorkerAsync("w1");
        string[] expected = [.. (await _scope.RunAsync(request)).Outputs.Select(o => o.Sha256)];

        (JobId id, JobHold hold) = await HeldAsync(request, step: 18);
        using JobHold held = hold;
        await first.StopAsync(ServiceScope.Limit());
        Assert.That((await _scope.FindAsync(id)).Checkpoint!.Step, Is.EqualTo(18));

        await _scope.StartWorkerAsync("w2");
        await _scope.SendAsync(id);
        JobRow row = await _scope.WaitForEndAsync(id);
        Assert.That((row.State, row.WorkerId), Is.EqualTo((JobState.Succeeded, "w2")), row.Error?.Detail);
        Assert.That(row.Outputs.Select(o => o.Sha256), Is.EqualTo(expected));
    }

    [Test]
    public async Task Checkpoint_ThatIsGone_CostsTimeAndNotTheJob()
    {
        WebApplication first = await _scope.StartWorkerAsync("w1");
        (JobId id, JobHold hold) = await HeldAsync(ServiceScope.Apple(steps: 8), step: 4);
        using JobHold held = hold;
        await first.StopAsync(ServiceScope.Limit());
        JobRow handedBack = await _scope.FindAsync(id);
        Assert.That(await _scope.Results.DeleteAsync(handedBack.Checkpoint!.Sha256, CancellationToken.None), Is.True);

        await _scope.StartWorkerAsync("w2");
        await _scope.SendAsync(id);
        Assert.That((await _scope.WaitForEndAsync(id)).State, Is.EqualTo(JobState.Succeeded));
    }

    [Test]
    public async Task Lease_TakenAway_StopsTheRunAndNothingIsWritten()
    {
        await _scope.StartWorkerAsync("w1");
        (JobId id, JobHold hold) = await HeldAsync(ServiceScope.Apple(), step: 3);
        using JobHold held = hold;
        await _scope.ExecuteAsync($"UPDATE jobs SET lease_epoch = lease_epoch + 1, worker_id = 'other' WHERE id = '{id}'");

        JobId next = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        Assert.That((await _scope.WaitForEndAsync(next)).State, Is.EqualTo(JobState.Succeeded), "the worker goes on with other jobs");
        JobRow row = await _scope.FindAsync(id);
        Assert.That((row.State, row.WorkerId), Is.EqualTo((JobState.Running, "other")));
        Assert.That(row.Outputs, Is.Empty);
    }

    [Test]
    public async Task Lease_LapsedInTheMiddle_LeavesACheckpointToGoOnFrom()
    {
        await _scope.StartWorkerAsync("w1");
        (JobId id, JobHold hold) = await HeldAsync(ServiceScope.Apple(), step: 3);
        using JobHold held = hold;
        JobRow row = await _scope.WaitAsync(id, r => r.Checkpoint is { Step: 3 }, "a checkpoint is kept with the lease");
        Assert.That(row.State, Is.EqualTo(JobState.Running));
        held.Release();
        Assert.That((await _scope.WaitForEndAsync(id)).State, Is.EqualTo(JobState.Succeeded));
    }

    [Test]
    public async Task BusyWorker_LeavesJobsToTheIdleOne()
    {
        await _scope.StartWorkerAsync("w1");
        (JobId first, JobHold hold) = await HeldAsync(ServiceScope.Apple(), step: 1);
        using JobHold held = hold;
        JobId second = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        await _scope.StartWorkerAsync("w2");
        JobRow row = await _scope.WaitForEndAsync(second);
        Assert.That((row.State, row.WorkerId), Is.EqualTo((JobState.Succeeded, "w2")));
        Assert.That((await _scope.FindAsync(first)).State, Is.EqualTo(JobState.Running), "the long job is still at it");
        held.Release();
        Assert.That((await _scope.WaitForEndAsync(first)).State, Is.EqualTo(JobState.Succeeded));
    }

    [Test]
    public async Task TimeLimit_Reached_FailsTheJobAtNoCost()
    {
        await _scope.StartWorkerAsync("w1", ("Worker:JobLimitSeconds", "0.5"));
        using JobHold hold = ServiceScope.Holds.AtStep(1);
        JobRow row = await _scope.RunAsync(ServiceScope.Apple());
        Assert.That((row.State, row.Error!.Code, row.Charged), Is.EqualTo((JobState.Failed, "time_limit", Credits.Zero)));
    }

    [Test]
    public async Task NextJob_WhileOneIsNearlyDone_ComesInAndPrepares()
    {
        // On any machine the steps that are left take less
        await _scope.StartWorkerAsync("w1", ("Worker:LookaheadSeconds", "60"));
        (JobId first, JobHold hold) = await HeldAsync(ServiceScope.Apple(), step: 2);
        using JobHold held = hold;
        JobId second = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        await _scope.WaitAsync(second, r => r.State == JobState.Running, "the next job comes in");
        Assert.That((await _scope.FindAsync(first)).State, Is.EqualTo(JobState.Running));
        held.Release();
        Assert.That((await _scope.WaitForEndAsync(first)).State, Is.EqualTo(JobState.Succeeded));
        Assert.That((await _scope.WaitForEndAsync(second)).State, Is.EqualTo(JobState.Succeeded));
    }

    [Test]
    public async Task ManyJobs_OnOneWorker_AllEndOnce()
    {
        await _scope.StartWorkerAsync("w1");
        JobId[] ids = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(k => _scope.SubmitAndSendAsync(ServiceScope.Apple(steps: 2, seed: k)))
        );
        foreach (JobId id in ids)
        {
            JobRow row = await _scope.WaitForEndAsync(id);
            Assert.That((row.State, row.Attempt), Is.EqualTo((JobState.Succeeded, 1)));
        }

        Assert.That(await _scope.ScalarAsync<decimal>("SELECT coalesce(sum(charged), 0) FROM jobs"), Is.EqualTo(12_000_000m));
    }

    [Test]
    public async Task Drain_FromAfar_FinishesWhatRunsAndTakesNothingUntilUndrained()
    {
        WebApplication worker = await _scope.StartWorkerAsync("w1");
        (JobId running, JobHold hold) = await HeldAsync(ServiceScope.Apple(), step: 2);
        using JobHold held = hold;
        await DrainAsync(worker, "w1", draining: true);

        JobId next = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        held.Release();
        Assert.That((await _scope.WaitForEndAsync(running)).State, Is.EqualTo(JobState.Succeeded), "the present job is finished");
        // Another worker finds the next job waiting: the drained one, which is free, has not taken it
        WebApplication other = await _scope.StartWorkerAsync("w2");
        JobRow row = await _scope.WaitForEndAsync(next);
        Assert.That((row.State, row.WorkerId), Is.EqualTo((JobState.Succeeded, "w2")));

        await other.StopAsync(ServiceScope.Limit());
        JobId last = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        await DrainAsync(worker, "w1", draining: false);
        row = await _scope.WaitForEndAsync(last);
        Assert.That((row.State, row.WorkerId), Is.EqualTo((JobState.Succeeded, "w1")));
    }

    [Test]
    public async Task Drain_OfAWorkerThatBeginsAnew_Holds()
    {
        WebApplication first = await _scope.StartWorkerAsync("w1");
        await DrainAsync(first, "w1", draining: true);
        await first.StopAsync(ServiceScope.Limit());

        WebApplication second = await _scope.StartWorkerAsync("w1");
        await UntilItSaysAsync(second, "draining");
        JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        await DrainAsync(second, "w1", draining: false);

        Assert.That((await _scope.WaitForEndAsync(id)).State, Is.EqualTo(JobState.Succeeded));
    }

    [Test]
    public async Task Gate_OfAWorkerThatHasNotRegisteredYet_IsClosed()
    {
        await using WebApplication worker = _scope.BuildWorker("w1");
        SlotGate gate = worker.Services.GetRequiredService<SlotGate>();
        Assert.That(gate.IsOpen, Is.False, "it may have been drained before it began anew");

        await worker.StartAsync(ServiceScope.Limit());
        await ServiceScope.EventuallyAsync(() => Task.FromResult(gate.IsOpen), "it is registered, and open");
        await worker.StopAsync(ServiceScope.Limit());
    }

    [Test]
    public async Task Registration_OfWorker_TellsItsModels()
    {
        WebApplication worker = await _scope.StartWorkerAsync("w1");
        IReadOnlyList<ModelEntry> models = await _scope.Get<WorkerRegistry>().ModelsAsync(CancellationToken.None);
        Assert.That(models.Select(m => m.Name), Does.Contain("demo"));
        await ServiceScope.EventuallyAsync(
            async () => (await _scope.ScalarAsync<string[]>("SELECT loaded FROM workers WHERE id = 'w1'")).Contains("demo"),
            "the heartbeat tells the loaded model"
        );
        await worker.StopAsync(ServiceScope.Limit());
        Assert.That(await _scope.ScalarAsync<long>("SELECT count(*) FROM workers"), Is.Zero);
    }

    /// <summary>Drains a worker or takes that back, as an operator does, and waits until it knows.</summary>
    private async Task DrainAsync(WebApplication worker, string id, bool draining)
    {
        Assert.That(await _scope.Registry.DrainAsync(id, draining, CancellationToken.None), Is.True);
        await UntilItSaysAsync(worker, draining ? "draining" : "ready");
    }

    private static async Task UntilItSaysAsync(WebApplication worker, string status)
    {
        using var http = new HttpClient { BaseAddress = new Uri(worker.Urls.First()) };
        await ServiceScope.EventuallyAsync(
            async () =>
            {
                using HttpResponseMessage answer = await http.GetAsync("/readyz", ServiceScope.Limit());
                return answer.IsSuccessStatusCode && (string?)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["status"] == status;
            },
            $"the worker says {status}"
        );
    }

    /// <summary>A job that runs, and stands still after so many steps until its hold is released or it is to stop.</summary>
    private async Task<(JobId Id, JobHold Hold)> HeldAsync(JobRequest request, int step)
    {
        JobHold hold = ServiceScope.Holds.AtStep(step);
        JobId id = await _scope.SubmitAndSendAsync(request);
        await hold.ReachedAsync();
        return (id, hold);
    }
}
