using FsCheck;
using FsCheck.Fluent;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Storage.Tests;

/// <summary>
/// Random lives of jobs, played in PostgreSQL and in a model of a few lines: after each act both agree on state, attempt,
/// outbox and money, whatever the order, and however often an act is repeated.
/// </summary>
public sealed class JobStateMachineProperties
{
    private const int MaxAttempts = 3;

    private StorageScope _storage = null!;

    private enum Act
    {
        Claim,
        Renew,
        Complete,
        Fail,
        Retry,
        HandBack,
        Cancel,
        ConfirmCancel,
        LapseAndRescue,
        Expire,
        Requeue,
        CompleteWithAnOldLease,
    }

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public void JobStore_AnyOrderOfActs_AgreesWithTheModel()
    {
        var lives = Gen.Elements(Enum.GetValues<Act>()).ArrayOf().ToArbitrary();
        Prop.ForAll(lives, acts => PlayAsync(acts).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60).WithEndSize(25));
    }

    [Test]
    public async Task Ledger_AfterAllThoseLives_SumsToZero() => Assert.That((await _storage.Ledger.CheckAsync(default)).IsRight);

    private async Task<bool> PlayAsync(Act[] acts)
    {
        Guid account = await _storage.AccountAsync(10);
        JobRow row = await _storage.SubmitAsync(account, 4);
        var model = new Model();
        foreach (Act act in acts)
        {
            await DoAsync(row.Id, act, model);
            JobRow now = await _storage.FindAsync(row.Id);
            Account money = (await _storage.Get<AccountStore>().FindAsync(account, default))!;
            bool isInOutbox = await _storage.IsInOutboxAsync(row.Id);
            Assert.That(
                (
                    now.State,
                    now.Attempt,
                    now.LeaseEpoch,
                    now.CancelRequested,
                    isInOutbox,
                    money.Balance.Value,
                    money.Held.Value,
                    now.Charged.Value,
                    now.Outputs.Count
                ),
                Is.EqualTo(
                    (
                        model.State,
                        model.Attempt,
                        model.Epoch,
                        model.CancelRequested,
                        model.State == JobState.Queued,
                        model.Balance,
                        model.Held,
                        model.Charged,
                        model.Outputs
                    )
                ),
                $"{act} of {string.Join(", ", acts)}"
            );
        }

        return true;
    }

    private async Task DoAsync(JobId id, Act act, Model model)
    {
        JobStore jobs = _storage.Jobs;
        var error = new JobError("e", "e");
        switch (act)
        {
            case Act.Claim:
                ClaimedJob? claim = await jobs.ClaimAsync(id, "w", StorageScope.Lease, default);
                Assert.That(claim is not null, Is.EqualTo(model.Claim()));
                break;
            case Act.Renew:
                await jobs.RenewAsync(id, model.Epoch, StorageScope.Lease, null, default);
                break;
            case Act.Complete:
                await jobs.CompleteAsync(id, model.Epoch, [StorageScope.Output()], default);
                model.End(JobState.Succeeded, charged: 4, unlessCancelled: true);
                break;
            case Act.CompleteWithAnOldLease:
                await jobs.CompleteAsync(id, model.Epoch - 1, [StorageScope.Output()], default);
                break;
            case Act.Fail:
                await jobs.FailAsync(id, model.Epoch, error, default);
                model.End(JobState.Failed, charged: 0, unlessCancelled: true);
                break;
            case Act.Retry:
                await jobs.RetryAsync(id, model.Epoch, MaxAttempts, error, default);
                if (!model.Queue(onlyBelow: MaxAttempts))
                {
                    model.End(JobState.Failed, charged: 0, unlessCancelled: true);
                }

                break;
            case Act.HandBack:
                await jobs.HandBackAsync(id, model.Epoch, null, default);
                model.Queue(givesAttemptBack: true);
                break;
            case Act.Cancel:
                await jobs.CancelAsync(id, null, default);
                model.Cancel();
                break;
            case Act.ConfirmCancel:
                await jobs.ConfirmCancelAsync(id, model.Epoch, 0.25, default);
                if (model.CancelRequested)
                {
                    model.End(JobState.Cancelled, charged: 1, unlessCancelled: false);
                }

                break;
            case Act.LapseAndRescue:
                if (model.State == JobState.Running)
                {
                    await _storage.LapseAsync(id);
                }

                await jobs.RescueAsync(MaxAttempts, default);
                if (model is { State: JobState.Running, CancelRequested: true })
                {
                    model.End(JobState.Cancelled, charged: 0, unlessCancelled: false);
                }
                else if (!model.Queue(onlyBelow: MaxAttempts))
                {
                    model.End(JobState.Failed, charged: 0, unlessCancelled: true);
                }

                break;
            case Act.Expire:
                if (model is { State: JobState.Queued })
                {
                    await _storage.ExecuteAsync(
                        $"UPDATE jobs SET expires_at = '2000-01-01' WHERE id = '{id}'; UPDATE outbox SET expires_at = '2000-01-01' "
                            + $"WHERE job_id = '{id}'"
                    );
                }

                await jobs.ExpireAsync(default);
                if (model.State == JobState.Queued)
                {
                    model.Settle(JobState.Expired, 0);
                }

                break;
            case Act.Requeue:
                await jobs.RequeueAsync(id, default);
                model.Queue();
                break;
        }
    }

    /// <summary>The same life, without a database: what the states mean.</summary>
    private sealed class Model
    {
        public JobState State { get; private set; } = JobState.Queued;

        public int Attempt { get; private set; }

        public long Epoch { get; private set; }

        public bool CancelRequested { get; private set; }

        public decimal Balance { get; private set; } = 6;

        public decimal Held { get; private set; } = 4;

        public decimal Charged { get; private set; }

        public int Outputs { get; private set; }

        public bool Claim()
        {
            if (State != JobState.Queued)
            {
                return false;
            }

            (State, Attempt, Epoch) = (JobState.Running, Attempt + 1, Epoch + 1);
            return true;
        }

        public bool Queue(int onlyBelow = int.MaxValue, bool givesAttemptBack = false)
        {
            if (State != JobState.Running || CancelRequested || Attempt >= onlyBelow)
            {
                return false;
            }

            (State, Attempt) = (JobState.Queued, givesAttemptBack ? Attempt - 1 : Attempt);
            return true;
        }

        public void Cancel()
        {
            if (State == JobState.Running)
            {
                CancelRequested = true;
            }
            else if (State == JobState.Queued)
            {
                CancelRequested = true;
                Settle(JobState.Cancelled, 0);
            }
        }

        public void End(JobState state, decimal charged, bool unlessCancelled)
        {
            if (State == JobState.Running && !(unlessCancelled && CancelRequested))
            {
                Settle(state, charged);
            }
        }

        public void Settle(JobState state, decimal charged)
        {
            (State, Charged, Held, Balance) = (state, charged, 0, 10 - charged);
            Outputs = state == JobState.Succeeded ? 1 : 0;
        }
    }
}
