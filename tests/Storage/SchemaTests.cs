using Generation.Contracts;
using Generation.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace Generation.Tests.Storage;

/// <summary>Migrations are written by hand: these prove that they and the model agree.</summary>
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
        Assert.That(await migrator.PendingAsync(default), Is.Not.Empty);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => migrator.MigrateAsync(default)));
        await migrator.MigrateAsync(default);

        Assert.That(await migrator.PendingAsync(default), Is.Empty);
    }

    [Test]
    public async Task Schema_EveryColumnOfAMappedTable_IsInTheModelAndTheOtherWayRound()
    {
        await using GenerationDb db = await _storage.Get<IDbContextFactory<GenerationDb>>().CreateDbContextAsync();
        foreach (IEntityType entity in db.Model.GetEntityTypes())
        {
            string table = entity.GetTableName()!;
            string columns = await _storage.ScalarAsync<string>(
                $"SELECT string_agg(column_name || case is_nullable when 'YES' then '?' else '' end, ',' ORDER BY column_name) FROM information_schema.columns WHERE table_name = '{table}'");
            string model = string.Join(',', entity.GetProperties()
                .OrderBy(p => p.GetColumnName(), StringComparer.Ordinal).Select(p => p.GetColumnName() + (p.IsNullable ? "?" : "")));

            Assert.That(model, Is.EqualTo(columns), table);
        }
    }

    [Test]
    public async Task Entities_WrittenAndRead_AreEqual()
    {
        Guid account = await _storage.AccountAsync(5);
        await _storage.Get<ApiKeyStore>().CreateAsync(account, "k", [Scopes.Jobs], DateTimeOffset.UtcNow.AddDays(1), default);
        await using (GenerationDb db = await _storage.Get<IDbContextFactory<GenerationDb>>().CreateDbContextAsync())
        {
            db.Accounts.Add(new AccountRow { Id = Guid.CreateVersion7(), Name = "by hand", Weight = 7, Limits = """{"queued": 3}""" });
            db.Workers.Add(new WorkerRow { Id = "w", Models = ["demo"], Slots = 2, StartedAt = DateTimeOffset.UtcNow, LastSeen = DateTimeOffset.UtcNow });
            db.Models.Add(new ModelRow { Name = "m", Entry = "{}", UpdatedAt = DateTimeOffset.UtcNow });
            await db.SaveChangesAsync();
        }

        await using GenerationDb read = await _storage.Get<IDbContextFactory<GenerationDb>>().CreateDbContextAsync();
        Assert.That((await read.Accounts.SingleAsync(a => a.Name == "by hand")).Weight, Is.EqualTo(7));
        Assert.That((await read.Accounts.SingleAsync(a => a.Id == account)).Balance, Is.EqualTo(5_000_000));
        Assert.That((await read.ApiKeys.SingleAsync(k => k.AccountId == account)).Scopes, Is.EqualTo(new[] { Scopes.Jobs }));
        Assert.That((await read.LedgerLines.Where(l => l.AccountId == account).SingleAsync()).Entry, Is.EqualTo(LedgerEntry.Grant));
        Assert.That((await read.Workers.SingleAsync()).Models, Is.EqualTo(new[] { "demo" }));
        Assert.That((await read.Models.SingleAsync(m => m.Name == "m")).Entry, Is.EqualTo("{}"));
    }

    [Test]
    public void Credits_Arithmetic_IsExactAndChecked()
    {
        Assert.That(Credits.Of(0.1m) + Credits.Of(0.2m), Is.EqualTo(Credits.Of(0.3m)));
        Assert.That(Credits.Of(0.0000005m).Micros, Is.EqualTo(1));
        Assert.That(() => new Credits(long.MaxValue) + new Credits(1), Throws.InstanceOf<OverflowException>());
        Assert.That(System.Text.Json.JsonSerializer.Serialize(Credits.Of(1.50m)), Is.EqualTo("1.5"));
    }
}
