using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Npgsql;

namespace Generation.Storage.Tests;

public sealed class LedgerTests
{
    private StorageScope _storage = null!;

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public async Task TransactionsAsync_AJobsLife_ShowsEachMovementWithBalances()
    {
        Guid account = await _storage.AccountAsync(10);
        JobRow row = await _storage.SubmitAsync(account, 4);
        ClaimedJob claim = await _storage.ClaimAsync(row.Id);
        await _storage.Jobs.CancelAsync(row.Id, account, default);
        await _storage.Jobs.ConfirmCancelAsync(row.Id, claim.LeaseEpoch, 0.25, default);
        await _storage.MoveAsync(account, LedgerEntry.Refund, Credits.Of(1), "sorry", row.Id);
        await _storage.MoveAsync(account, LedgerEntry.TopUp, Credits.Of(5), "paid", null);

        IReadOnlyList<LedgerTransaction> all = await _storage.Ledger.TransactionsAsync(account, null, 100, default);

        Assert.That(
            all.Reverse().Select(t => (t.Entry, t.Amount.Value, t.Balance.Value, t.Held.Value)),
            Is.EqualTo(
                new[]
                {
                    (LedgerEntry.Grant, 10m, 10m, 0m),
                    (LedgerEntry.Hold, -4m, 6m, 4m),
                    (LedgerEntry.Charge, -1m, 9m, 0m),
                    (LedgerEntry.Release, 3m, 9m, 0m),
                    (LedgerEntry.Refund, 1m, 10m, 0m),
                    (LedgerEntry.TopUp, 5m, 15m, 0m),
                }
            )
        );
        Assert.That(
            (await _storage.Ledger.TransactionsAsync(account, all[1].Id, 2, default)).Select(t => t.Id),
            Is.EqualTo(all.Skip(2).Take(2).Select(t => t.Id))
        );
        Assert.That((await _storage.Ledger.CheckAsync(default)).IsRight);
    }

    [Test]
    public async Task CheckAsync_BalanceChangedByHand_FindsIt()
    {
        Guid account = await _storage.AccountAsync(10);
        await _storage.ExecuteAsync($"UPDATE accounts SET balance = balance + 1 WHERE id = '{account}'");

        LedgerCheck check = await _storage.Ledger.CheckAsync(default);

        await _storage.ExecuteAsync($"UPDATE accounts SET balance = balance - 1 WHERE id = '{account}'");
        Assert.That((check.IsRight, check.WrongAccounts), Is.EqualTo((false, 1)));
    }

    [TestCase("UPDATE ledger_lines SET amount = 1")]
    [TestCase("DELETE FROM ledger_lines")]
    [TestCase("TRUNCATE ledger_lines")]
    public void Ledger_ChangeOfThePast_IsRefused(string sql) =>
        Assert.That(() => _storage.ExecuteAsync(sql), Throws.InstanceOf<PostgresException>().With.Message.Contain("only grows"));

    [Test]
    public async Task Accounts_NegativeBalance_IsRefused()
    {
        Guid account = await _storage.AccountAsync(1);

        Assert.That(
            () => _storage.ExecuteAsync($"UPDATE accounts SET balance = -1 WHERE id = '{account}'"),
            Throws.InstanceOf<PostgresException>().With.Message.Contain("balance_not_negative")
        );
    }

    [TestCase(LedgerEntry.Hold, 1)]
    [TestCase(LedgerEntry.Charge, 1)]
    [TestCase(LedgerEntry.Grant, 0)]
    [TestCase(LedgerEntry.TopUp, -1)]
    public async Task MoveAsync_NotAnOperatorsMovement_IsRefused(LedgerEntry entry, int credits)
    {
        Guid account = await _storage.AccountAsync(1);

        Assert.That(
            () => _storage.MoveAsync(account, entry, Credits.Of(credits), null, null),
            Throws.InstanceOf<ArgumentOutOfRangeException>()
        );
    }

    [Test]
    public async Task StoredNumbers_OfEntriesAndBooks_NeverChange()
    {
        await Task.CompletedTask;
        Assert.That(
            Enum.GetValues<LedgerEntry>().Select(e => $"{(int)e}{e}"),
            Is.EqualTo(new[] { "0Grant", "1Hold", "2Charge", "3Release", "4Refund", "5TopUp" })
        );
        Assert.That(
            Enum.GetValues<LedgerBook>().Select(e => $"{(int)e}{e}"),
            Is.EqualTo(new[] { "0Available", "1Held", "2Revenue", "3Issued" })
        );
    }
}
