using System.Reflection;
using System.Text.Json.Serialization;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Database;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Generation.Storage.Tests;

/// <summary>Migrations, and the names that they give to stored numbers.</summary>
public sealed class SchemaTests
{
    private StorageScope _storage = null!;

    [OneTimeSetUp]
    public async Task CreateStorage() => _storage = await StorageScope.CreateAsync();

    [OneTimeTearDown]
    public async Task DropStorage() => await _storage.DisposeAsync();

    [Test]
    public async Task MigrateAsync_SeveralAtOnceAndAgain_LeavesNothingPending()
    {
        await using StorageScope empty = await StorageScope.CreateAsync(migrated: false);
        Migrator migrator = empty.Get<Migrator>();
        string[] all;
        await using (GenerationDb db = await empty.Get<IDbContextFactory<GenerationDb>>().CreateDbContextAsync())
        {
            all = [.. db.Database.GetMigrations()];
        }

        Assert.That(await migrator.PendingAsync(default), Is.EqualTo(all), "none was applied");
        Assert.That(Migrator.Newest(), Is.EqualTo(all[^1]));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => migrator.MigrateAsync(default)));
        await migrator.MigrateAsync(default);

        Assert.That(await migrator.PendingAsync(default), Is.Empty);
    }

    [Test]
    public async Task Functions_EveryStoredEnum_HaveItsNamesAndNumbers()
    {
        foreach (JobState state in Enum.GetValues<JobState>())
        {
            Assert.That(await _storage.ScalarAsync<int>($"SELECT job_state('{NameOf(state)}')"), Is.EqualTo((int)state));
            Assert.That(await _storage.ScalarAsync<string>($"SELECT job_state_name({(int)state}::smallint)"), Is.EqualTo(NameOf(state)));
        }

        foreach (LedgerEntry entry in Enum.GetValues<LedgerEntry>())
        {
            Assert.That(await _storage.ScalarAsync<int>($"SELECT ledger_entry('{NameOf(entry)}')"), Is.EqualTo((int)entry));
        }

        foreach (LedgerBook book in Enum.GetValues<LedgerBook>())
        {
            Assert.That(await _storage.ScalarAsync<int>($"SELECT ledger_book('{NameOf(book)}')"), Is.EqualTo((int)book));
        }
    }

    [Test]
    public void Functions_NameThatIsNotThere_IsAnError([Values("job_state", "ledger_entry", "ledger_book")] string function) =>
        Assert.That(async () => await _storage.ScalarAsync<int>($"SELECT {function}('runing')"), Throws.InstanceOf<PostgresException>());

    [Test]
    public void Credits_Arithmetic_IsExactAndChecked()
    {
        Assert.That(Credits.Of(0.1m) + Credits.Of(0.2m), Is.EqualTo(Credits.Of(0.3m)));
        Assert.That(Credits.Of(0.0000005m).Micros, Is.EqualTo(1));
        Assert.That(() => new Credits(long.MaxValue) + new Credits(1), Throws.InstanceOf<OverflowException>());
        Assert.That(System.Text.Json.JsonSerializer.Serialize(Credits.Of(1.50m)), Is.EqualTo("1.5"));
    }

    /// <summary>As in JSON, where it has a name there.</summary>
    private static string NameOf<T>(T value)
        where T : struct, Enum =>
        typeof(T).GetField(value.ToString())!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name
        ?? value.ToString().ToLowerInvariant();
}
