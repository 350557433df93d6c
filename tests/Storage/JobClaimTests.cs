using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Storage.Tests;

/// <summary>A worker's claim of a queued job, and the plan that comes with it.</summary>
public sealed class JobClaimTests : JobTests
{
    [Test]
    public async Task ClaimAsync_Queued_RunsAndLeavesOutbox()
    {
        JobRow row = await Storage.SubmitAsync(Account);

        ClaimedJob claim = await Storage.ClaimAsync(row.Id);

        Assert.That((claim.Attempt, claim.LeaseEpoch, claim.Request.Model), Is.EqualTo((1, 1L, "demo")));
        JobRow now = await Storage.FindAsync(row.Id);
        Assert.That((now.State, now.WorkerId, now.Revision), Is.EqualTo((JobState.Running, "w1", row.Revision + 1)));
        Assert.That(await Storage.IsInOutboxAsync(row.Id), Is.False);
    }

    [Test]
    public async Task ClaimAsync_JobWithAPlan_CarriesItToTheWorker()
    {
        NewJob job = StorageScope.NewJob(Account) with { Plan = Plan() };
        await Storage.Jobs.SubmitAsync(job, default);

        ClaimedJob claimed = await Storage.ClaimAsync(job.Id);

        Assert.That(claimed.Plan!.Passes, Is.EqualTo(job.Plan!.Passes));
        Assert.That(claimed.Plan with { Passes = job.Plan.Passes }, Is.EqualTo(job.Plan));
        Assert.That(await Storage.ScalarAsync<double>($"SELECT work FROM jobs WHERE id = '{job.Id}'"), Is.EqualTo(job.Plan.Work));
        Assert.That((await Storage.FindAsync(job.Id)).ToDocument().Render, Is.EqualTo(job.Plan.Render));
    }

    /// <summary>What rows hold that earlier and later versions wrote.</summary>
    [TestCase("""{"generated_width": 64, "generated_height": 48, "scale": 1, "resized": false}""", 64)]
    [TestCase("""{"version": 0, "passes": "many"}""", null)]
    [TestCase("""{"version": 1000, "passes": {"what": "ever"}}""", null)]
    public async Task ClaimAsync_PlanOfAnotherVersion_IsLeftToTheWorker(string stored, int? width)
    {
        JobRow row = await Storage.SubmitAsync(Account);
        await Storage.ExecuteAsync($"UPDATE jobs SET render = '{stored}' WHERE id = '{row.Id}'");

        ClaimedJob claimed = await Storage.ClaimAsync(row.Id);

        Assert.That(claimed.Plan, Is.Null);
        Assert.That((await Storage.FindAsync(row.Id)).ToDocument().Render?.GeneratedWidth, Is.EqualTo(width));
    }

    private static JobPlan Plan() =>
        new()
        {
            Version = JobPlan.CurrentVersion,
            Render = new RenderPlan
            {
                GeneratedWidth = 64,
                GeneratedHeight = 64,
                Upscaler = "demo-upscaler",
                Scale = 4,
                Resized = false,
            },
            Width = 256,
            Height = 256,
            Outputs = 2,
            Passes =
            [
                new PlannedPass
                {
                    Purpose = PassPurpose.Draw,
                    Model = "demo",
                    Width = 64,
                    Height = 64,
                    Scheduler = "HeunDiscreteScheduler",
                    ScheduledSteps = 25,
                    Strength = 0.5,
                    Calls = 49,
                    Begin = 26,
                    End = 49,
                },
            ],
        };
}
