using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Generation.Contracts;
using Generation.Diagnostics;
using Generation.TestSupport;

namespace Generation.Chaos.Tests;

/// <summary>
/// Processes die at each place of a job's way and servers go away for a while: the job ends once, is charged once, and
/// its file can be read. What dies is started again, as whatever watches over services does.
/// </summary>
[TestFixture]
public sealed class FaultTests
{
    /// <summary>How long a server stays away.</summary>
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("GENERATION_TEST_OUTAGE_SECONDS") ?? "5", CultureInfo.InvariantCulture)
    );

    private static readonly TimeSpan BrokerOutage = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("GENERATION_TEST_OUTAGE_SECONDS") ?? "10", CultureInfo.InvariantCulture)
    );

    private const int Pictures = 2;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private TestStack _stack = null!;

    private static IEnumerable<string> Points => FaultPoint.All;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _stack = await TestStack.StartAsync(
            workers: 2,
            new Dictionary<string, string>
            {
                // Longer than any machine's pauses: no worker that lives is taken for lost. Of the dead, tests let the leases lapse
                ["Jobs__LeaseSeconds"] = "30",
                ["Jobs__RescueIntervalSeconds"] = "0.2",
                ["Jobs__RedispatchSeconds"] = "1",
            }
        );
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    /// <summary>Whatever broke, what was said of it holds no prompt and no secret.</summary>
    [TearDown]
    public async Task LookAtLogsAsync() => await _stack.AssertLogsAreCleanAsync(CancellationToken.None);

    private string Faults => _stack.Holds.Folder;

    [TestCaseSource(nameof(Points)), CancelAfter(240_000)]
    public async Task Process_KilledAtAPoint_JobEndsOnce(string point, CancellationToken token)
    {
        if (point == FaultPoint.Rescued)
        {
            // Somebody has to lose a lease first
            await ArmAsync(FaultPoint.Started, token);
        }

        await ArmAsync(point, token);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(token);
        Task restarts = BringBackAsync(point, ended.Token);

        JobDocument job = await SubmitAsync(point, token);
        job = await EndAsync(job.Id, token);
        await WaitUntilHitAsync(point, token);
        await restarts;
        // Once more, now that everything is back
        job = await EndAsync(job.Id, token);

        await AssertDoneOnceAsync(job, token);
    }

    [Test, CancelAfter(240_000)]
    public async Task RabbitMq_AwayForAWhile_JobsWaitAndAreDoneOnce(CancellationToken token)
    {
        await _stack.Stack.Servers.RabbitMq.StopAsync(token);
        JobDocument job = await SubmitAsync("broker", token);
        await Task.Delay(BrokerOutage, token);
        Assert.That((await _stack.Api.JobAsync(job.Id, token)).State, Is.EqualTo(JobState.Queued));
        await _stack.Stack.UpAsync(null, token);

        await AssertDoneOnceAsync(await EndAsync(job.Id, token), token);
    }

    [Test, CancelAfter(240_000)]
    public async Task Results_FailForAWhile_JobWaitsForThemAndIsDoneOnce(CancellationToken token)
    {
        string results = _stack.Stack.Folder.Results;
        string aside = results + ".aside";
        Directory.Move(results, aside);
        await File.WriteAllTextAsync(results, "no folder", token);
        JobDocument job;
        try
        {
            job = await SubmitAsync("results", token);
            // Or nobody takes it, where the workers have noticed before
            await _stack.PollAsync(job.Id, now => now.State == JobState.Running || now.WaitingReason is not null, token);
            await Task.Delay(Outage, token);
            Assert.That((await _stack.Api.JobAsync(job.Id, token)).State.IsFinal(), Is.False);
        }
        finally
        {
            File.Delete(results);
            Directory.Move(aside, results);
        }

        await AssertDoneOnceAsync(await EndAsync(job.Id, token), token);
    }

    [TestCase(FaultPoint.HandingBack), TestCase(FaultPoint.HandedBack), CancelAfter(240_000)]
    public async Task Worker_KilledWhileItHandsAJobBack_JobIsDoneOnce(string point, CancellationToken token)
    {
        (JobDocument job, JobHold hold) = await HeldJobAsync(point, token);
        using JobHold held = hold;
        string worker = await _stack.QueryAsync<string>("select worker_id from jobs where id = @id", job.Id, token);
        await ArmAsync(point, token);

        await _stack.Stack.StopAsync(new HashSet<string> { worker }, token);
        await WaitUntilHitAsync(point, token);
        await _stack.LapseLeaseOfTheDeadAsync(token);
        await _stack.Stack.UpAsync(null, token);

        await AssertDoneOnceAsync(await EndAsync(job.Id, token), token, outputs: Pictures);
    }

    [Test, CancelAfter(240_000)]
    public async Task Api_KilledWhileItCancels_JobIsCancelledOnce(CancellationToken token)
    {
        (JobDocument job, JobHold hold) = await HeldJobAsync("cancel", token);
        using JobHold held = hold;
        await ArmAsync(FaultPoint.Cancelling, token);

        Assert.That(
            () => _stack.Api.Http.DeleteAsync(new Uri($"/v1/jobs/{job.Id}", UriKind.Relative), token),
            Throws.InstanceOf<HttpRequestException>()
        );
        await WaitUntilHitAsync(FaultPoint.Cancelling, token);
        await _stack.Stack.UpAsync(null, token);

        job = await EndAsync(job.Id, token);
        Assert.That(job.State, Is.EqualTo(JobState.Cancelled));
        await AssertSettledAsync(job.Id, token);
        Assert.That(
            await _stack.QueryAsync<long>(
                "select held from accounts where id = (select account_id from jobs where id = @id)",
                job.Id,
                token
            ),
            Is.Zero
        );
    }

    [Test, CancelAfter(240_000)]
    public async Task Rescuer_KilledWhileJobsExpire_JobIsExpiredOnceAtNoCost(CancellationToken token)
    {
        await DrainWorkersAsync(true, token);
        await ArmAsync(FaultPoint.Expired, token);
        JobDocument job = await _stack.Api.SubmitAsync(
            "text2img",
            new System.Text.Json.Nodes.JsonObject { ["prompt"] = "a red apple, too late", ["expires_in"] = 3600 },
            token
        );
        // An hour later
        await _stack.ExecuteAsync(
            "with o as (update outbox set expires_at = now() where job_id = @id) update jobs set expires_at = now() where id = @id",
            job.Id,
            token
        );

        await WaitUntilHitAsync(FaultPoint.Expired, token);
        await _stack.Stack.UpAsync(null, token);
        await DrainWorkersAsync(false, token);

        job = await EndAsync(job.Id, token);
        Assert.That((job.State, job.Cost.Charged), Is.EqualTo((JobState.Expired, Credits.Zero)));
        Assert.That(await _stack.LedgerAsync(job.Id, token), Is.EqualTo(["hold", "release"]));
        await AssertSettledAsync(job.Id, token);
    }

    /// <summary>The same places as on a job's direct way, for one that waits in the backlog until a worker takes jobs.</summary>
    [TestCase(FaultPoint.Taken), TestCase(FaultPoint.Sent), CancelAfter(240_000)]
    public async Task Dispatcher_KilledWithAJobOfTheBacklog_JobIsDoneOnce(string point, CancellationToken token)
    {
        await DrainWorkersAsync(true, token);
        JobDocument job = await SubmitAsync("backlog", token);
        Assert.That(
            await _stack.QueryAsync<bool>("select dispatched_at is null from outbox where job_id = @id", job.Id, token),
            Is.True,
            "nobody could run it"
        );
        await ArmAsync(point, token);

        // As far as the dispatcher can see, a worker has come
        await _stack.ExecuteAsync(
            "insert into workers (id, models, slots) select 'seen', array[model], 1 from jobs where id = @id",
            job.Id,
            token
        );
        await WaitUntilHitAsync(point, token);
        await _stack.ExecuteAsync("delete from workers where id = 'seen' and @id is not null", job.Id, token);
        await _stack.Stack.UpAsync(null, token);
        await DrainWorkersAsync(false, token);

        await AssertDoneOnceAsync(await EndAsync(job.Id, token), token);
    }

    /// <summary>Lets the workers take no jobs, or take them again; what they do not take waits, as where there is no worker.</summary>
    private Task DrainWorkersAsync(bool draining, CancellationToken token) =>
        _stack.ExecuteAsync($"update workers set draining = {draining} where @id is not null", JobId.New(TimeProvider.System), token);

    /// <summary>A job that runs, and stands still in its first picture until it is to stop.</summary>
    private Task<(JobDocument Job, JobHold Hold)> HeldJobAsync(string name, CancellationToken token) =>
        _stack.SubmitHeldAsync(
            () => _stack.SubmitAsync($"a red apple, {name}", token, seed: 1, steps: 10, images: Pictures, side: 64),
            step: 3,
            token
        );

    private async Task ArmAsync(string point, CancellationToken token)
    {
        File.Delete(Path.Combine(Faults, point + ".hit"));
        await File.WriteAllTextAsync(Path.Combine(Faults, point), "", token);
    }

    private async Task WaitUntilHitAsync(string point, CancellationToken token)
    {
        while (!File.Exists(Path.Combine(Faults, point + ".hit")))
        {
            await Task.Delay(Look, token);
        }
    }

    private async Task BringBackAsync(string point, CancellationToken token)
    {
        if (point == FaultPoint.Rescued)
        {
            await WaitUntilHitAsync(FaultPoint.Started, token);
            await _stack.LapseLeaseOfTheDeadAsync(token);
        }

        await WaitUntilHitAsync(point, token);
        if (point.StartsWith("worker.", StringComparison.Ordinal))
        {
            await _stack.LapseLeaseOfTheDeadAsync(token);
        }

        await _stack.Stack.UpAsync(null, token);
    }

    /// <summary>As a careful client does: the same request with the same key until there is an answer.</summary>
    private async Task<JobDocument> SubmitAsync(string name, CancellationToken token)
    {
        string key = Guid.NewGuid().ToString("N");
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/v1/text2img", UriKind.Relative));
            request.Headers.Add("Idempotency-Key", key);
            request.Content = JsonContent.Create(
                new
                {
                    prompt = $"a red apple {name} {key}",
                    num_inference_steps = 4,
                    width = 64,
                    height = 64,
                    seed = 1,
                }
            );
            try
            {
                using HttpResponseMessage answer = await _stack.Api.Http.SendAsync(request, token);
                if (answer.StatusCode is not (HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable))
                {
                    await RestClient.ThrowIfRefusedAsync(answer, token);
                    return (await answer.Content.ReadFromJsonAsync<JobDocument>(WireJson.Options, token))!;
                }
            }
            catch (HttpRequestException)
            {
                // The API is dead, and comes back
            }

            await Task.Delay(Look, token);
        }
    }

    private async Task<JobDocument> EndAsync(JobId id, CancellationToken token)
    {
        while (true)
        {
            try
            {
                return await _stack.EndAsync(id, token);
            }
            catch (HttpRequestException)
            {
                await Task.Delay(Look, token);
            }
        }
    }

    /// <summary>Nothing of a job that is over is left anywhere.</summary>
    private async Task AssertSettledAsync(JobId id, CancellationToken token)
    {
        Assert.That(await _stack.QueryAsync<decimal>("select sum(amount) from ledger_lines where job_id = @id", id, token), Is.Zero);
        Assert.That(
            await _stack.QueryAsync<decimal>(
                "select coalesce(sum(amount), 0) from ledger_lines where book = 1 and job_id = @id",
                id,
                token
            ),
            Is.Zero,
            "held"
        );
        Assert.That(await _stack.QueryAsync<long>("select count(*) from outbox where job_id = @id", id, token), Is.Zero);
    }

    private async Task AssertDoneOnceAsync(JobDocument job, CancellationToken token, int outputs = 1)
    {
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        Assert.That(
            await _stack.QueryAsync<long>(
                "select count(*) from jobs where request ->> 'prompt' = (select request ->> 'prompt' from jobs where id = @id)",
                job.Id,
                token
            ),
            Is.EqualTo(1),
            "one submission, one job"
        );
        Assert.That(await _stack.LedgerAsync(job.Id, token), Is.EqualTo(["hold", "charge"]));
        await AssertSettledAsync(job.Id, token);
        Assert.That(
            await _stack.QueryAsync<long>("select count(*) from job_outputs where job_id = @id", job.Id, token),
            Is.EqualTo(outputs)
        );
        foreach (JobOutputLink output in job.Outputs)
        {
            byte[] file = await _stack.Api.OutputAsync(output, token);
            Assert.That(Convert.ToHexStringLower(SHA256.HashData(file)), Is.EqualTo(output.Sha256));
        }
    }
}
