using FsCheck;
using FsCheck.Fluent;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Storage.Tests;

/// <summary>
/// Random histories of money, several accounts' acts at a time as they come in a busy system: after each history the
/// books agree with a ledger of a few lines, and sum to zero.
/// </summary>
public sealed class LedgerProperties
{
    private const int Accounts = 3;

    private StorageScope _storage = null!;

    private enum Act
    {
        Grant,
        TopUp,
        Refund,
        Submit,
        SubmitDear,
        Complete,
        Fail,
        CancelHalf,
        Expire,
    }

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public void Ledger_AnyHistory_AgreesWithTheModel()
    {
        var histories = Gen.Elements(Enum.GetValues<Act>()).ArrayOf(Accounts).ArrayOf().ToArbitrary();
        Prop.ForAll(histories, rounds => PlayAsync(rounds).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(30).WithEndSize(12));
    }

    private async Task<bool> PlayAsync(Act[][] rounds)
    {
        Purse[] purses =
        [
            .. await Task.WhenAll(Enumerable.Range(0, Accounts).Select(async _ => new Purse(await _storage.AccountAsync(10), 10))),
        ];
        decimal revenue = await BookAsync(LedgerBook.Revenue);
        decimal issued = await BookAsync(LedgerBook.Issued);
        foreach (Act[] round in rounds)
        {
            await Task.WhenAll(round.Select((act, i) => DoAsync(purses[i], act)));
        }

        foreach (Purse purse in purses)
        {
            Account account = (await _storage.Get<AccountStore>().FindAsync(purse.Account, default))!;
            IReadOnlyList<LedgerTransaction> lines = await _storage.Ledger.TransactionsAsync(purse.Account, null, 1000, default);
            Assert.That((account.Balance.Value, account.Held.Value), Is.EqualTo((purse.Balance, purse.Held)));
            Assert.That(
                (lines[0].Balance.Value, lines[0].Held.Value),
                Is.EqualTo((purse.Balance, purse.Held)),
                "the last line tells where the account stands"
            );
        }

        Assert.That(await BookAsync(LedgerBook.Revenue) - revenue, Is.EqualTo(purses.Sum(p => p.Charged - p.Refunded)));
        Assert.That(await BookAsync(LedgerBook.Issued) - issued, Is.EqualTo(-purses.Sum(p => p.Given)));
        LedgerCheck check = await _storage.Ledger.CheckAsync(default);
        Assert.That(check.IsRight, check.ToString());
        return true;
    }

    private async Task DoAsync(Purse purse, Act act)
    {
        switch (act)
        {
            case Act.Grant or Act.TopUp or Act.Refund:
                LedgerEntry entry = act switch
                {
                    Act.Grant => LedgerEntry.Grant,
                    Act.TopUp => LedgerEntry.TopUp,
                    _ => LedgerEntry.Refund,
                };
                await _storage.MoveAsync(purse.Account, entry, Credits.Of(1.5m), null, null);
                purse.Receive(1.5m, isRefund: act == Act.Refund);
                break;
            case Act.Submit or Act.SubmitDear:
                decimal cost = act == Act.Submit ? 2.25m : 7;
                SubmitResult result = await _storage.Jobs.SubmitAsync(StorageScope.NewJob(purse.Account, cost), default);
                Assert.That(result.Outcome == SubmitOutcome.Queued, Is.EqualTo(purse.TryHold(cost, result.Job?.Id)));
                break;
            case Act.Expire when purse.Next is { } waiting:
                await _storage.ExecuteAsync(
                    $"UPDATE jobs SET expires_at = '2000-01-01' WHERE id = '{waiting}'; UPDATE outbox SET expires_at = '2000-01-01' "
                        + $"WHERE job_id = '{waiting}'"
                );
                await _storage.Jobs.ExpireAsync(default);
                Assert.That((await _storage.FindAsync(waiting)).State, Is.EqualTo(JobState.Expired));
                purse.Settle(0);
                break;
            case not Act.Expire when purse.Next is { } open:
                ClaimedJob claim = await _storage.ClaimAsync(open);
                if (act == Act.Complete)
                {
                    await _storage.Jobs.CompleteAsync(open, claim.LeaseEpoch, [], default);
                }
                else if (act == Act.Fail)
                {
                    await _storage.Jobs.FailAsync(open, claim.LeaseEpoch, new JobError("e", "e"), default);
                }
                else
                {
                    await _storage.Jobs.CancelAsync(open, null, default);
                    await _storage.Jobs.ConfirmCancelAsync(open, claim.LeaseEpoch, 0.5, default);
                }

                purse.Settle(
                    act switch
                    {
                        Act.Complete => 1,
                        Act.Fail => 0,
                        _ => 0.5m,
                    }
                );
                break;
        }
    }

    private async Task<decimal> BookAsync(LedgerBook book) =>
        await _storage.ScalarAsync<decimal>(
            $"SELECT coalesce(sum(amount), 0)::numeric / 1000000 FROM ledger_lines WHERE book = {(int)book}"
        );

    /// <summary>What an account ought to have.</summary>
    private sealed class Purse(Guid account, decimal balance)
    {
        private readonly Queue<(JobId Id, decimal Cost)> _open = new();

        public Guid Account => account;

        public decimal Balance { get; private set; } = balance;

        public decimal Held { get; private set; }

        public decimal Charged { get; private set; }

        public decimal Refunded { get; private set; }

        /// <summary>By grants and top-ups since the beginning.</summary>
        public decimal Given { get; private set; }

        public JobId? Next => _open.TryPeek(out (JobId Id, decimal Cost) job) ? job.Id : null;

        public void Receive(decimal amount, bool isRefund)
        {
            Balance += amount;
            (Refunded, Given) = isRefund ? (Refunded + amount, Given) : (Refunded, Given + amount);
        }

        public bool TryHold(decimal cost, JobId? id)
        {
            if (Balance < cost)
            {
                return false;
            }

            (Balance, Held) = (Balance - cost, Held + cost);
            _open.Enqueue((id!.Value, cost));
            return true;
        }

        public void Settle(decimal fraction)
        {
            decimal cost = _open.Dequeue().Cost;
            (Held, Balance, Charged) = (Held - cost, Balance + (cost * (1 - fraction)), Charged + (cost * fraction));
        }
    }
}
