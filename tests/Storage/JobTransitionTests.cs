using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Storage.Tests;

/// <summary>Each transition of the state machine, with what it does to outbox and money, and its illegal neighbours.</summary>
public sealed class JobTransitionTests : JobTests
{
    [Test]
    public async Task SubmitAsync_EnoughCredits_QueuesAndHolds()
    {
        JobRow row = await Storage.SubmitAsync(Account, 2.5m);

        Assert.That(row.State, Is.EqualTo(JobState.Queued));
        Assert.That(row.ReadRequest(), Is.InstanceOf<Text2ImgRequest>());
        Assert.That(await Storage.IsInOutboxAsync(row.Id));
        await AssertMoneyAsync(balance: 7.5m, held: 2.5m);
    }

    [Test]
    public async Task SubmitAsync_TooFewCredits_WritesNothing()
    {
        NewJob job = StorageScope.NewJob(Account, 10.000001m);

        SubmitResult result = await Storage.Jobs.SubmitAsync(job, default);

        Assert.That(result, Is.EqualTo(new SubmitResult(SubmitOutcome.InsufficientCredits, null, Credits.Of(10))));
        Assert.That(await Storage.Jobs.FindAsync(job.Id, null, default), Is.Null);
        await AssertMoneyAsync(10, 0);
    }

    [Test]
    public async Task SubmitAsync_FreeJob_NeedsNoMoney()
    {
        Guid poor = await Storage.AccountAsync(0);

        JobRow row = await Storage.SubmitAsync(poor, 0);
        ClaimedJob claim = await Storage.ClaimAsync(row.Id);

        Assert.That(await Storage.Jobs.CompleteAsync(row.Id, claim.LeaseEpoch, [], default), Is.EqualTo(FencedOutcome.Done));
        Assert.That((await Storage.FindAsync(row.Id)).State, Is.EqualTo(JobState.Succeeded));
    }

    [Test]
    public async Task CompleteAsync_OwnLease_ChargesAndKeepsOutputs()
    {
        JobRow row = await Storage.SubmitAsync(Account, 2);
        ClaimedJob claim = await Storage.ClaimAsync(row.Id);

        FencedOutcome outcome = await Storage.Jobs.CompleteAsync(
            row.Id,
            claim.LeaseEpoch,
            [StorageScope.Output(), StorageScope.Output(1)],
            default
        );

        JobRow now = await Storage.FindAsync(row.Id);
        Assert.That(outcome, Is.EqualTo(FencedOutcome.Done));
        Assert.That(now.State, Is.EqualTo(JobState.Succeeded));
        Assert.That(now.Charged, Is.EqualTo(Credits.Of(2)));
        Assert.That(now.Outputs, Is.EqualTo(new[] { StorageScope.Output(), StorageScope.Output(1) }));
        Assert.That(now.FinishedAt, Is.Not.Null);
        await AssertMoneyAsync(8, 0);
    }

    [TestCase(1)]
    [TestCase(3)]
    public async Task CompleteAsync_PartOfIt_ChargesThePartAndTellsTheOwner(int atOnce)
    {
        var plan = new JobPlan
        {
            Version = JobPlan.CurrentVersion,
            Passes = [],
            Width = 64,
            Height = 64,
            Outputs = 3,
        };
        JobRow[] rows =
        [
            .. (
                await Task.WhenAll(
                    Enumerable
                        .Range(0, atOnce)
                        .Select(_ => Storage.Jobs.SubmitAsync(StorageScope.NewJob(Account) with { Plan = plan }, default))
                )
            ).Select(result => result.Job!),
        ];
        ClaimedJob[] claims = await Task.WhenAll(rows.Select(row => Storage.ClaimAsync(row.Id)));
        var part = new PartMade(2m / 3, ["Picture 2 of 3 could not be made."]);

        FencedOutcome[] outcomes = await Task.WhenAll(
            claims.Select(claim =>
                Storage.Jobs.CompleteAsync(
                    claim.Id,
                    claim.LeaseEpoch,
                    [StorageScope.Output(), StorageScope.Output(2)],
                    // The others are whole
                    claim.Id == rows[0].Id
                        ? part
                        : null,
                    default
                )
            )
        );

        JobRow now = await Storage.FindAsync(rows[0].Id);
        Assert.That(outcomes, Is.All.EqualTo(FencedOutcome.Done));
        Assert.That((now.State, now.Charged, now.Cost), Is.EqualTo((JobState.Succeeded, Credits.Of(0.666666m), Credits.Of(1))));
        Assert.That(now.Outputs.Select(output => output.Index), Is.EqualTo(new[] { 0, 2 }));
        Assert.That(now.ToDocument().Warnings, Is.EqualTo(part.Warnings));
        foreach (JobRow whole in rows[1..])
        {
            JobRow other = await Storage.FindAsync(whole.Id);
            Assert.That((other.Charged, other.ToDocument().Warnings), Is.EqualTo((Credits.Of(1), (IReadOnlyList<string>?)null)));
        }

        await AssertMoneyAsync(10 - 0.666666m - (atOnce - 1), 0);
    }

    [Test]
    public async Task CompleteAsync_Repeated_RecognisesItself()
    {
        JobRow row = await Storage.SubmitAsync(Account, 2);
        ClaimedJob claim = await Storage.ClaimAsync(row.Id);
        await Storage.Jobs.CompleteAsync(row.Id, claim.LeaseEpoch, [StorageScope.Output()], default);

        FencedOutcome again = await Storage.Jobs.CompleteAsync(row.Id, claim.LeaseEpoch, [StorageScope.Output()], default);

        Assert.That(again, Is.EqualTo(FencedOutcome.Done));
        await AssertMoneyAsync(8, 0);
    }

    [Test]
    public async Task CompleteAsync_LostLease_IsRefused()
    {
        JobRow row = await Storage.SubmitAsync(Account);
        ClaimedJob first = await Storage.ClaimAsync(row.Id);
        await Storage.LapseAsync(row.Id);
        await Storage.Jobs.RescueAsync(3, default);
        ClaimedJob second = await Storage.ClaimAsync(row.Id, "w2");

        Assert.That(
            await Storage.Jobs.CompleteAsync(row.Id, first.LeaseEpoch, [StorageScope.Output()], default),
            Is.EqualTo(FencedOutcome.Lost)
        );
        Assert.That(
            await Storage.Jobs.RenewAsync(row.Id, first.LeaseEpoch, StorageScope.Lease, null, default),
            Is.EqualTo(LeaseState.Lost)
        );
        Assert.That(
            await Storage.Jobs.CompleteAsync(row.Id, second.LeaseEpoch, [StorageScope.Output()], default),
            Is.EqualTo(FencedOutcome.Done)
        );
        Assert.That(
            await Storage.Jobs.CompleteAsync(row.Id, first.LeaseEpoch, [StorageScope.Output()], default),
            Is.EqualTo(FencedOutcome.Lost)
        );
        await AssertMoneyAsync(9, 0);
    }

    [Test]
    public async Task FailAsync_OwnLease_ReleasesTheHold()
    {
        JobRow row = await Storage.SubmitAsync(Account);
        ClaimedJob claim = await Storage.ClaimAsync(row.Id);
        var error = new JobError("weights_missing", "No weights.", "model");

        Assert.That(await Storage.Jobs.FailAsync(row.Id, claim.LeaseEpoch, error, default), Is.EqualTo(FencedOutcome.Done));

        Assert.That((await Storage.FindAsync(row.Id)).Error, Is.EqualTo(error));
        await AssertMoneyAsync(10, 0);
    }

    [Test]
    public async Task RetryAsync_UntilTheLastAttempt_ThenFails()
    {
        JobRow row = await Storage.SubmitAsync(Account);
        var error = new JobError("out_of_memory", "Too large.");
        ClaimedJob first = await Storage.ClaimAsync(row.Id);

        Assert.That(await Storage.Jobs.RetryAsync(row.Id, first.LeaseEpoch, 2, error, default), Is.EqualTo(FencedOutcome.Done));
        Assert.That((await Storage.FindAsync(row.Id)).State, Is.EqualTo(JobState.Queued));
        Assert.That(await Storage.IsInOutboxAsync(row.Id));

        ClaimedJob second = await Storage.ClaimAsync(row.Id);
        Assert.That(await Storage.Jobs.RetryAsync(row.Id, second.LeaseEpoch, 2, error, default), Is.EqualTo(FencedOutcome.Done));
        Assert.That((await Storage.FindAsync(row.Id)).State, Is.EqualTo(JobState.Failed));
        await AssertMoneyAsync(10, 0);
    }

    [Test]
    public async Task HandBackAsync_OwnLease_CostsNoAttemptAndKeepsTheCheckpoint()
    {
        JobRow row = await Storage.SubmitAsync(Account);
        ClaimedJob claim = await Storage.ClaimAsync(row.Id);
        var checkpoint = new JobCheckpoint(12, new string('b', 64));

        Assert.That(await Storage.Jobs.HandBackAsync(row.Id, claim.LeaseEpoch, checkpoint, default), Is.EqualTo(FencedOutcome.Done));
        Assert.That(
            await Storage.Jobs.HandBackAsync(row.Id, claim.LeaseEpoch, checkpoint, default),
            Is.EqualTo(FencedOutcome.Done),
            "repeated"
        );

        Assert.That(await Storage.IsInOutboxAsync(row.Id));
        ClaimedJob next = await Storage.ClaimAsync(row.Id, "w2");
        Assert.That((next.Attempt, next.LeaseEpoch, next.Checkpoint), Is.EqualTo((1, 2L, checkpoint)));
    }

    [Test]
    public async Task CancelAsync_Queued_CostsNothing()
    {
        JobRow row = await Storage.SubmitAsync(Account);

        CancelResult result = await Storage.Jobs.CancelAsync(row.Id, Account, default);

        Assert.That(result.Outcome, Is.EqualTo(CancelOutcome.Cancelled));
        Assert.That(await Storage.IsInOutboxAsync(row.Id), Is.False);
        Assert.That(await Storage.Jobs.ClaimAsync(row.Id, "w1", StorageScope.Lease, default), Is.Null);
        Assert.That((await Storage.Jobs.CancelAsync(row.Id, Account, default)).Outcome, Is.EqualTo(CancelOutcome.AlreadyFinal));
        await AssertMoneyAsync(10, 0);
    }

    [Test]
    public async Task CancelAsync_OtherAccount_FindsNothing()
    {
        JobRow row = await Storage.SubmitAsync(Account);
        Guid other = await Storage.AccountAsync();

        Assert.That((await Storage.Jobs.CancelAsync(row.Id, other, default)).Outcome, Is.EqualTo(CancelOutcome.NotFound));
        Assert.That((await Storage.FindAsync(row.Id)).State, Is.EqualTo(JobState.Queued));
    }

    [Test]
    public async Task CancelAsync_Running_WinsOverEveryOtherEndAndChargesTheFraction()
    {
        JobRow row = await Storage.SubmitAsync(Account, 1);
        ClaimedJob claim = await Storage.ClaimAsync(row.Id);

        Assert.That((await Storage.Jobs.CancelAsync(row.Id, Account, default)).Outcome, Is.EqualTo(CancelOutcome.Requested));
        Assert.That((await Storage.Jobs.CancelAsync(row.Id, Account, default)).Outcome, Is.EqualTo(CancelOutcome.Requested), "repeated");
        Assert.That(
            await Storage.Jobs.RenewAsync(row.Id, claim.LeaseEpoch, StorageScope.Lease, null, default),
            Is.EqualTo(LeaseState.CancelRequested)
        );
        Assert.That(await Storage.Jobs.CompleteAsync(row.Id, claim.LeaseEpoch, [], default), Is.EqualTo(FencedOutcome.CancelRequested));
        Assert.That(
            await Storage.Jobs.FailAsync(row.Id, claim.LeaseEpoch, new JobError("x", "y"), default),
            Is.EqualTo(FencedOutcome.CancelRequested)
        );
        Assert.That(await Storage.Jobs.HandBackAsync(row.Id, claim.LeaseEpoch, null, default), Is.EqualTo(FencedOutcome.CancelRequested));
        Assert.That(
            await Storage.Jobs.RetryAsync(row.Id, claim.LeaseEpoch, 3, new JobError("x", "y"), default),
            Is.EqualTo(FencedOutcome.CancelRequested)
        );
        Assert.That(await Storage.Jobs.ConfirmCancelAsync(row.Id, claim.LeaseEpoch, 0.3, default), Is.EqualTo(FencedOutcome.Done));
        Assert.That(
            await Storage.Jobs.ConfirmCancelAsync(row.Id, claim.LeaseEpoch, 0.3, default),
            Is.EqualTo(FencedOutcome.Done),
            "repeated"
        );

        Assert.That((await Storage.FindAsync(row.Id)).Charged, Is.EqualTo(Credits.Of(0.3m)));
        await AssertMoneyAsync(9.7m, 0);
    }

    [Test]
    public async Task ConfirmCancelAsync_NobodyAsked_IsRefused()
    {
        JobRow row = await Storage.SubmitAsync(Account);
        ClaimedJob claim = await Storage.ClaimAsync(row.Id);

        Assert.That(await Storage.Jobs.ConfirmCancelAsync(row.Id, claim.LeaseEpoch, 0, default), Is.EqualTo(FencedOutcome.Lost));
        Assert.That((await Storage.FindAsync(row.Id)).State, Is.EqualTo(JobState.Running));
    }

    [Test]
    public async Task RescueAsync_LapsedLease_QueuesThenFailsAfterTheLastAttempt()
    {
        JobRow row = await Storage.SubmitAsync(Account);
        await Storage.ClaimAsync(row.Id);
        Assert.That(await Storage.Jobs.RescueAsync(2, default), Is.EqualTo(new RescueResult(0, 0, 0)), "a held lease");

        await Storage.LapseAsync(row.Id);
        Assert.That(await Storage.Jobs.RescueAsync(2, default), Is.EqualTo(new RescueResult(1, 0, 0)));
        Assert.That(await Storage.IsInOutboxAsync(row.Id));
        ClaimedJob second = await Storage.ClaimAsync(row.Id);
        Assert.That(second.Attempt, Is.EqualTo(2));

        await Storage.LapseAsync(row.Id);
        Assert.That(await Storage.Jobs.RescueAsync(2, default), Is.EqualTo(new RescueResult(0, 1, 0)));
        Assert.That((await Storage.FindAsync(row.Id)).Error!.Code, Is.EqualTo("worker_lost"));
        await AssertMoneyAsync(10, 0);
    }

    [Test]
    public async Task RescueAsync_CancelWasRequested_Cancels()
    {
        JobRow row = await Storage.SubmitAsync(Account);
        await Storage.ClaimAsync(row.Id);
        await Storage.Jobs.CancelAsync(row.Id, null, default);
        await Storage.LapseAsync(row.Id);

        Assert.That(await Storage.Jobs.RescueAsync(3, default), Is.EqualTo(new RescueResult(0, 0, 1)));
        Assert.That((await Storage.FindAsync(row.Id)).State, Is.EqualTo(JobState.Cancelled));
        await AssertMoneyAsync(10, 0);
    }

    [Test]
    public async Task ExpireAsync_NotStartedInTime_ExpiresAtNoCost()
    {
        SubmitResult late = await Storage.Jobs.SubmitAsync(
            StorageScope.NewJob(Account) with
            {
                ExpiresIn = TimeSpan.FromMilliseconds(1),
            },
            default
        );
        SubmitResult early = await Storage.Jobs.SubmitAsync(
            StorageScope.NewJob(Account) with
            {
                ExpiresIn = TimeSpan.FromHours(1),
            },
            default
        );
        await Storage.ExecuteAsync("SELECT pg_sleep(0.01)");

        Assert.That(await Storage.Jobs.ClaimAsync(late.Job!.Id, "w1", StorageScope.Lease, default), Is.Null, "too late to start");
        Assert.That(await Storage.Jobs.ExpireAsync(default), Is.EqualTo(1));

        Assert.That((await Storage.FindAsync(late.Job.Id)).State, Is.EqualTo(JobState.Expired));
        Assert.That((await Storage.FindAsync(early.Job!.Id)).State, Is.EqualTo(JobState.Queued));
        Assert.That(await Storage.IsInOutboxAsync(late.Job.Id), Is.False);
        await AssertMoneyAsync(9, 1);
    }

    [Test]
    public async Task FinalStates_EveryTransition_IsRefused([Values(2, 3, 4, 5)] int state)
    {
        JobRow row = await Storage.SubmitAsync(Account);
        ClaimedJob? claim = null;
        if (state != (int)JobState.Expired)
        {
            claim = await Storage.ClaimAsync(row.Id);
        }

        switch ((JobState)state)
        {
            case JobState.Succeeded:
                await Storage.Jobs.CompleteAsync(row.Id, claim!.LeaseEpoch, [], default);
                break;
            case JobState.Failed:
                await Storage.Jobs.FailAsync(row.Id, claim!.LeaseEpoch, new JobError("x", "y"), default);
                break;
            case JobState.Cancelled:
                await Storage.Jobs.CancelAsync(row.Id, null, default);
                await Storage.Jobs.ConfirmCancelAsync(row.Id, claim!.LeaseEpoch, 0.5, default);
                break;
            default:
                await Storage.ExecuteAsync(
                    $"UPDATE outbox SET expires_at = '2000-01-01' WHERE job_id = '{row.Id}'; UPDATE jobs SET expires_at = '2000-01-01' "
                        + $"WHERE id = '{row.Id}'"
                );
                await Storage.Jobs.ExpireAsync(default);
                break;
        }

        JobRow final = await Storage.FindAsync(row.Id);
        long epoch = claim?.LeaseEpoch ?? 0;
        Assert.That(final.State, Is.EqualTo((JobState)state));
        await Storage.LapseAsync(row.Id);

        Assert.That(await Storage.Jobs.ClaimAsync(row.Id, "w", StorageScope.Lease, default), Is.Null);
        Assert.That(await Storage.Jobs.RenewAsync(row.Id, epoch, StorageScope.Lease, null, default), Is.EqualTo(LeaseState.Lost));
        await Storage.Jobs.CompleteAsync(row.Id, epoch, [StorageScope.Output()], default);
        await Storage.Jobs.FailAsync(row.Id, epoch, new JobError("a", "b"), default);
        await Storage.Jobs.RetryAsync(row.Id, epoch, 99, new JobError("a", "b"), default);
        await Storage.Jobs.HandBackAsync(row.Id, epoch, null, default);
        await Storage.Jobs.ConfirmCancelAsync(row.Id, epoch, 1, default);
        await Storage.Jobs.CancelAsync(row.Id, null, default);
        await Storage.Jobs.RescueAsync(99, default);
        await Storage.Jobs.ExpireAsync(default);

        JobRow now = await Storage.FindAsync(row.Id);
        Assert.That((now.State, now.Revision, now.Charged, now.Outputs.Count), Is.EqualTo((final.State, final.Revision, final.Charged, 0)));
        Assert.That(await Storage.IsInOutboxAsync(row.Id), Is.False);
    }

    private async Task AssertMoneyAsync(decimal balance, decimal held)
    {
        Account account = (await Storage.Get<AccountStore>().FindAsync(Account, default))!;
        Assert.That((account.Balance.Value, account.Held.Value), Is.EqualTo((balance, held)));
    }
}
