using Generation.Contracts;
using Generation.Hosting.Servers;
using Generation.TestSupport;
using StackExchange.Redis;

namespace Generation.EndToEnd.Tests;

/// <summary>Plugs are pulled in mid-job: the job is done once all the same, and charged once.</summary>
[TestFixture]
public sealed class CrashTests
{
    private const int Steps = 20;
    private const int HeldAt = 6;

    /// <summary>As large as the model draws: nothing is enlarged.</summary>
    private const int Side = 64;

    private const int StopSignal = 19;
    private const int ContinueSignal = 18;

    private TestStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() =>
        _stack = await TestStack.StartAsync(
            workers: 2,
            new Dictionary<string, string>
            {
                // Longer than this machine's pauses: no worker that lives is taken for lost
                ["Jobs__LeaseSeconds"] = "10",
                ["Jobs__RescueIntervalSeconds"] = "1",
                ["Jobs__RedispatchSeconds"] = "3",
            }
        );

    [OneTimeTearDown]
    public async Task StopAsync() => await _stack.DisposeAsync();

    /// <summary>Whatever broke, what was said of it holds no prompt and no secret.</summary>
    [TearDown]
    public async Task LookAtLogsAsync() => await _stack.AssertLogsAreCleanAsync(CancellationToken.None);

    [SetUp]
    public async Task BringBackAsync() => await _stack.Stack.UpAsync(null, TestContext.CurrentContext.CancellationToken);

    [Test, CancelAfter(240_000)]
    public async Task Worker_KilledInMidJob_AnotherFinishesItOnce(CancellationToken token)
    {
        (JobDocument job, JobHold hold) = await HeldAsync("a red apple on a blue background", 3, token, images: 2);
        using JobHold held = hold;
        string first = await WorkerOfAsync(job.Id, token);
        await _stack.Stack.ProcessOf(first).KillAsync(token);
        await _stack.LapseLeaseOfTheDeadAsync(token);

        job = await _stack.EndAsync(job.Id, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        Assert.That(job.Attempt, Is.EqualTo(2));
        Assert.That(await WorkerOfAsync(job.Id, token), Is.Not.EqualTo(first));
        await AssertDoneOnceAsync(job, pictures: 2, token);

        // Where it was done does not show in what was done
        JobDocument undisturbed = await _stack.SubmitAsync(
            "a red apple on a blue background",
            token,
            seed: 3,
            steps: Steps,
            images: 2,
            side: Side
        );
        undisturbed = await _stack.EndAsync(undisturbed.Id, token);
        Assert.That(job.Outputs.Select(output => output.Sha256), Is.EqualTo(undisturbed.Outputs.Select(output => output.Sha256)));
    }

    [Test, CancelAfter(240_000)]
    public async Task Redis_FlushedInMidJob_PollsStayRight(CancellationToken token)
    {
        using JobHold later = _stack.Holds.AtStep(HeldAt + 5);
        (JobDocument job, JobHold hold) = await HeldAsync("a whale in the sea", 5, token);
        using JobHold held = hold;
        await FlushRedisAsync();

        JobDocument flushed = await _stack.Api.JobAsync(job.Id, token);
        Assert.That(flushed.State, Is.EqualTo(JobState.Running));
        // Progress is shown where the job is; that poll has brought it back, without waiting for it
        await UntilInRedisAsync(job.Id, token);
        held.Release();
        job = await _stack.PollAsync(job.Id, now => now.Progress is { Step: HeldAt + 5 }, token);
        Assert.That(job.Progress, Is.EqualTo(new JobProgress(HeldAt + 5, Steps)));
        later.Release();
        job = await _stack.EndAsync(job.Id, token);
        await FlushRedisAsync();

        JobDocument rebuilt = await _stack.Api.JobAsync(job.Id, token);
        Assert.That(rebuilt.State, Is.EqualTo(JobState.Succeeded));
        Assert.That(rebuilt.Outputs.Single().Sha256, Is.EqualTo(job.Outputs.Single().Sha256));
        await AssertDoneOnceAsync(rebuilt, pictures: 1, token);
    }

    [Test, CancelAfter(240_000)]
    public async Task Redis_DownInMidJob_JobEndsAndPollsAnswer(CancellationToken token)
    {
        (JobDocument job, JobHold hold) = await HeldAsync("a rocket", 6, token);
        using JobHold held = hold;
        await _stack.Stack.Servers.Redis.KillAsync(token);
        Assert.That((await _stack.Api.JobAsync(job.Id, token)).State, Is.EqualTo(JobState.Running));
        held.Release();

        job = await _stack.EndAsync(job.Id, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        await AssertDoneOnceAsync(job, pictures: 1, token);
    }

    [Test, CancelAfter(240_000)]
    public async Task RabbitMq_KilledBetweenSubmitAndRun_JobsAreDoneOnce(CancellationToken token)
    {
        ManagedProcess[] workers = [_stack.Stack.ProcessOf("worker-1"), _stack.Stack.ProcessOf("worker-2")];
        JobDocument job;
        try
        {
            foreach (ManagedProcess worker in workers)
            {
                Assert.That(worker.Signal(StopSignal), worker.Name);
            }

            job = await _stack.SubmitAsync("a house at sunset", token, seed: 7, steps: 4, side: Side);
            // Workers that stand still report nothing, and to those that are gone nothing is sent
            while (!await _stack.QueryAsync<bool>("select dispatched_at is not null from outbox where job_id = @id", job.Id, token))
            {
                await _stack.ExecuteAsync("update workers set last_seen = now()", job.Id, token);
                await Task.Delay(50, token);
            }

            await _stack.Stack.Servers.RabbitMq.KillAsync(token);
            await _stack.Stack.Servers.RabbitMq.EnsureAsync(token);
        }
        finally
        {
            // Also for the tests that come next
            foreach (ManagedProcess worker in workers)
            {
                Assert.That(worker.Signal(ContinueSignal), worker.Name);
            }
        }

        job = await _stack.EndAsync(job.Id, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        await AssertDoneOnceAsync(job, pictures: 1, token);
    }

    [Test, CancelAfter(240_000)]
    public async Task Postgres_KilledInMidJob_JobIsDoneOnce(CancellationToken token)
    {
        (JobDocument job, JobHold hold) = await HeldAsync("a ghost", 8, token);
        using JobHold held = hold;
        await _stack.Stack.Servers.Postgres.KillAsync(token);
        await _stack.Stack.Servers.Postgres.EnsureAsync(token);
        held.Release();

        job = await _stack.EndAsync(job.Id, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        await AssertDoneOnceAsync(job, pictures: 1, token);
    }

    [Test, CancelAfter(240_000)]
    public async Task Api_KilledInMidJob_JobIsDoneAndTold(CancellationToken token)
    {
        (JobDocument job, JobHold hold) = await HeldAsync("a robot", 9, token);
        using JobHold held = hold;
        await _stack.Stack.ProcessOf("api").KillAsync(token);
        held.Release();
        await _stack.Stack.UpAsync(null, token);

        job = await _stack.EndAsync(job.Id, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        await AssertDoneOnceAsync(job, pictures: 1, token);
    }

    [Test, CancelAfter(240_000)]
    public async Task Worker_AskedToStopInMidJob_AnotherFinishesItAsTheSameAttempt(CancellationToken token)
    {
        const int terminate = 15;
        (JobDocument job, JobHold hold) = await HeldAsync("a cactus", 10, token);
        using JobHold held = hold;
        _stack.Stack.ProcessOf(await WorkerOfAsync(job.Id, token)).Signal(terminate);

        job = await _stack.EndAsync(job.Id, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        Assert.That(job.Attempt, Is.EqualTo(1));
        await AssertDoneOnceAsync(job, pictures: 1, token);
    }

    private Task<(JobDocument Job, JobHold Hold)> HeldAsync(string prompt, long seed, CancellationToken token, int images = 1) =>
        _stack.SubmitHeldAsync(() => _stack.SubmitAsync(prompt, token, seed, Steps, images, Side), HeldAt, token);

    private Task<string> WorkerOfAsync(JobId id, CancellationToken token) =>
        _stack.QueryAsync<string>("select worker_id from jobs where id = @id", id, token);

    private async Task AssertDoneOnceAsync(JobDocument job, int pictures, CancellationToken token)
    {
        Assert.That(job.Outputs, Has.Count.EqualTo(pictures));
        Assert.That(
            await _stack.QueryAsync<long>("select count(*) from job_outputs where job_id = @id", job.Id, token),
            Is.EqualTo(pictures)
        );
        Assert.That(await _stack.LedgerAsync(job.Id, token), Is.EqualTo(["hold", "charge"]));
        foreach (JobOutputLink output in job.Outputs)
        {
            Assert.That(await _stack.Api.OutputAsync(output, token), Has.Length.EqualTo(output.Bytes));
        }
    }

    private async Task FlushRedisAsync()
    {
        using ConnectionMultiplexer redis = await RedisAsync();
        await redis.GetServer(redis.GetEndPoints()[0]).FlushAllDatabasesAsync();
    }

    private async Task UntilInRedisAsync(JobId id, CancellationToken token)
    {
        using ConnectionMultiplexer redis = await RedisAsync();
        StackExchange.Redis.IServer server = redis.GetServer(redis.GetEndPoints()[0]);
        while (!await server.KeysAsync(pattern: $"*{id}*").AnyAsync(token))
        {
            await Task.Delay(20, token);
        }
    }

    private Task<ConnectionMultiplexer> RedisAsync() =>
        ConnectionMultiplexer.ConnectAsync(_stack.Stack.Servers.Redis.ConnectionString + ",allowAdmin=true,asyncTimeout=60000");
}
