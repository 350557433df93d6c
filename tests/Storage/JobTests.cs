using Generation.Contracts;
using Generation.Storage.Accounts;

namespace Generation.Storage.Tests;

/// <summary>Tests of jobs in a database of their own, each with a new account; after each the books are right.</summary>
public abstract class JobTests
{
    private protected StorageScope Storage { get; private set; } = null!;

    /// <summary>An account with 10 credits.</summary>
    private protected Guid Account { get; private set; }

    [OneTimeSetUp]
    public async Task CreateStorage() => Storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await Storage.DisposeAsync();

    [SetUp]
    public async Task CreateAccount() => Account = await Storage.AccountAsync(10);

    [TearDown]
    public async Task CheckBooks() =>
        Assert.That(await Storage.Ledger.CheckAsync(default), Is.EqualTo(new LedgerCheck(Credits.Zero, 0, 0, 0)));
}
