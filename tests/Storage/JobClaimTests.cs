using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Storage.Tests;

/// <summary>A worker's claim of a queued job, and the plan that comes with it.</summary>
public sealed class JobClaimTests
{
    private StorageScope _storage = null!;
    private Guid _account;

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [SetUp]
    public async Task CreateAccount() => _account = await _storage.AccountAsync(10);

    [TearDown]
    public async Task CheckBooks() =>
        Assert.That(await _storage.Ledger.CheckAsync(default), Is.EqualTo(new LedgerCheck(Credits.Zero, 0, 0, 0)));

    [Test]
    public async Task ClaimAsync_Queued_RunsAndLeavesOutbox()
    {
        JobRow row = await _storage.SubmitAsync(_account);

        ClaimedJob claim = await _storage.ClaimAsync(row.Id);

        Assert.That((claim.Attempt, claim.LeaseEpoch, claim.Request.Model), Is.EqualTo((1, 1L, "demo")));
        JobRow now = await _storage.FindAsync(row.Id);
        Assert.That((now.State, now.WorkerId, now.Revision), Is.EqualTo((JobState.Running, "w1", row.Revision + 1)));
        Assert.That(await _storage.IsInOutboxAsync(row.Id), Is.False);
    }

    [Test]
    public async Task ClaimAsync_JobWithAPlan_CarriesItToTheWorker()
    {
        NewJob job = StorageScope.NewJob(_account) with { Plan = Plan() };
        await _storage.Jobs.SubmitAsync(job, default);

        ClaimedJob claimed = await _storage.ClaimAsync(job.Id);

        Assert.That(claimed.Plan!.Passes, Is.EqualTo(job.Plan!.Passes));
        Assert.That(claimed.Plan with { Passes = job.Plan.Passes }, Is.EqualTo(job.Plan));
        Assert.That(await _storage.ScalarAsync<double>($"SELECT work FROM jobs WHERE id = '{job.Id}'"), Is.EqualTo(job.Plan.Work));
        Assert.That((await _storage.FindAsync(job.Id)).ToDocument().Render, Is.EqualTo(job.Plan.Render));
    }

    /// <summary>What rows hold that earlier and later versions wrote.</summary>
    [TestCase("""{"generated_width": 64, "generated_height": 48, "scale": 1, "resized": false}""", 64)]
    [TestCase("""{"version": 0, "passes": "many"}""", null)]
    [TestCase("""{"version": 1000, "passes": {"what": "ever"}}""", null)]
    public async Task ClaimAsync_PlanOfAnotherVersion_IsLeftToTheWorker(string stored, int? width)
    {
        JobRow row = await _storage.SubmitAsync(_account);
        await _storage.ExecuteAsync($"UPDATE jobs SET render = '{stored}' WHERE id = '{row.Id}'");

        ClaimedJob claimed = await _storage.ClaimAsync(row.Id);

        Assert.That(claimed.Plan, Is.Null);
        Assert.That((await _storage.FindAsync(row.Id)).ToDocument().Render?.GeneratedWidth, Is.EqualTo(width));
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
