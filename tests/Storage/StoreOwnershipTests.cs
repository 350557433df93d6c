using System.Security.Cryptography;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using Generation.Storage.Retention;
using Generation.Storage.Uploads;

namespace Generation.Storage.Tests;

/// <summary>Databases that name one results store: nothing is deleted that another may name.</summary>
public abstract class StoreOwnershipTests
{
    private static readonly DateTimeOffset LongAfter = DateTimeOffset.UtcNow.AddDays(1);

    private readonly List<StorageScope> _scopes = [];
    private (string Key, string Value)[] _settings = [];

    /// <summary>Settings of a store that nobody has used.</summary>
    protected abstract (string Key, string Value)[] NewStore();

    [SetUp]
    public void ChooseStore() => _settings = NewStore();

    [TearDown]
    public async Task DropDatabases()
    {
        foreach (StorageScope scope in _scopes)
        {
            await scope.DisposeAsync();
        }

        _scopes.Clear();
    }

    [Test]
    public async Task OneDatabase_PutsAndSweeps_OwnsTheStore()
    {
        StorageScope one = await DatabaseAsync();
        Assert.That(await OwnerAsync(one), Is.EqualTo(StoreOwner.Nobody));
        string named = await NamedFileAsync(one);
        string orphan = await FileAsync(one);

        Assert.That(await OwnerAsync(one), Is.EqualTo(StoreOwner.Ours));
        Assert.That(await SweepAsync(one), Is.EqualTo(new SweepResult(1)));
        Assert.That(await SweepAsync(one), Is.EqualTo(new SweepResult(0)));
        Assert.That((await HasAsync(one, named), await HasAsync(one, orphan)), Is.EqualTo((true, false)));
        Assert.That(() => Store(one).CheckAsync(default), Throws.Nothing);
    }

    [Test]
    public async Task AnotherDatabase_OnTheSameStore_PutsAndDeletesNothing()
    {
        StorageScope owner = await DatabaseAsync();
        string named = await NamedFileAsync(owner);
        StorageScope mistyped = await DatabaseAsync();

        SweepResult sweep = await SweepAsync(mistyped);

        Assert.That((sweep.Deleted, sweep.Problem), Is.EqualTo((0, ResultsOwnership.ProblemOf(StoreOwner.Another))));
        Assert.That(sweep.Problem, Does.Contain("another database").And.Contain("results adopt"));
        Assert.That(await RetentionOf(mistyped).ProblemAsync(default), Is.EqualTo(sweep.Problem), "kept for /readyz of every process");
        Assert.That(() => FileAsync(mistyped), Throws.InstanceOf<ResultsStoreException>().With.Message.Contain("another database"));
        Assert.That(() => Store(mistyped).DeleteAsync(named, default), Throws.InstanceOf<ResultsStoreException>());
        Assert.That(() => Store(mistyped).CheckAsync(default), Throws.InstanceOf<ResultsStoreException>());
        Assert.That(await HasAsync(owner, named));
        Assert.That(await SweepAsync(owner), Is.EqualTo(new SweepResult(0)));
    }

    [Test]
    public async Task TwoDatabases_PutIntoAnEmptyStoreAtOnce_OneOwnsIt()
    {
        StorageScope[] both = [await DatabaseAsync(), await DatabaseAsync()];

        bool[] put = await Task.WhenAll(both.Select(TryAsync));
        StoreOwner[] owners = [await OwnerAsync(both[0]), await OwnerAsync(both[1])];

        Assert.That(owners, Is.EquivalentTo(new[] { StoreOwner.Ours, StoreOwner.Another }));
        Assert.That(put[Array.IndexOf(owners, StoreOwner.Ours)]);

        static async Task<bool> TryAsync(StorageScope scope)
        {
            try
            {
                await FileAsync(scope);
                return true;
            }
            catch (ResultsStoreException)
            {
                return false;
            }
        }
    }

    [Test]
    public async Task CopiedDatabase_OnTheSameStore_DeletesNothingUntilItAdoptsIt()
    {
        StorageScope owner = await DatabaseAsync();
        string before = await NamedFileAsync(owner);
        StorageScope copy = await owner.CopyAsync(_settings);
        _scopes.Add(copy);
        string after = await NamedFileAsync(owner);

        Assert.That((await SweepAsync(copy)).Problem, Is.EqualTo(ResultsOwnership.ProblemOf(StoreOwner.Another)));
        Assert.That((await HasAsync(owner, before), await HasAsync(owner, after)), Is.EqualTo((true, true)));

        Assert.That(await OwnershipOf(copy).AdoptAsync(default), Is.EqualTo(StoreOwner.Another));

        Assert.That(await OwnerAsync(copy), Is.EqualTo(StoreOwner.Ours));
        Assert.That((await SweepAsync(owner)).Problem, Is.EqualTo(ResultsOwnership.ProblemOf(StoreOwner.Another)));
        Assert.That(() => FileAsync(owner), Throws.InstanceOf<ResultsStoreException>());
    }

    [Test]
    public async Task DatabaseSetBack_OrCopiedAsFiles_StopsTheSweepsOfBoth()
    {
        StorageScope database = await DatabaseAsync();
        string named = await NamedFileAsync(database);
        Guid old = await MarkAsync(database);
        Assert.That((await SweepAsync(database)).Problem, Is.Null);
        Guid now = await MarkAsync(database);

        // As the database of a snapshot, or of a copy of the server's files, would have it
        await database.ExecuteAsync($"UPDATE results_store SET mark = '{old}'");
        SweepResult setBack = await SweepAsync(database);
        await database.ExecuteAsync($"UPDATE results_store SET mark = '{now}'");
        SweepResult ahead = await SweepAsync(database);

        Assert.That(now, Is.Not.EqualTo(old));
        Assert.That(setBack.Problem, Is.EqualTo(ResultsOwnership.ProblemOf(StoreOwner.Contested)));
        Assert.That(ahead.Problem, Is.EqualTo(setBack.Problem), "the other one, too");
        Assert.That(() => FileAsync(database), Throws.Nothing, "work goes on");
        Assert.That(() => Store(database).DeleteAsync(named, default), Throws.InstanceOf<ResultsStoreException>());
        Assert.That(await OwnershipOf(database).AdoptAsync(default), Is.EqualTo(StoreOwner.Contested));
        Assert.That((await SweepAsync(database)).Problem, Is.Null);
        Assert.That(await HasAsync(database, named));
    }

    [Test]
    public async Task ProcessDies_WhileItChangesTheMark_TheStoreStaysOurs()
    {
        StorageScope database = await DatabaseAsync();
        await NamedFileAsync(database);
        Guid mark = await MarkAsync(database);

        await database.ExecuteAsync($"UPDATE results_store SET next_mark = '{Guid.NewGuid()}'");
        StoreOwner beforeTheStore = await OwnerAsync(database);
        await database.ExecuteAsync($"UPDATE results_store SET mark = '{Guid.NewGuid()}', next_mark = '{mark}'");
        StoreOwner afterIt = await OwnerAsync(database);
        SweepResult next = await SweepAsync(database);

        Assert.That((beforeTheStore, afterIt, next.Problem), Is.EqualTo((StoreOwner.Ours, StoreOwner.Ours, (string?)null)));
        Assert.That(await OwnerAsync(database), Is.EqualTo(StoreOwner.Ours));
    }

    [Test]
    public async Task Sweep_OfManyFilesThatTheDatabaseNeverNamed_StopsUntilItIsAllowed()
    {
        StorageScope database = await DatabaseAsync();
        string named = await NamedFileAsync(database);
        string[] lost = [.. await Task.WhenAll(Enumerable.Range(0, RetentionStore.MostUnknownFiles + 1).Select(_ => FileAsync(database)))];

        SweepResult stopped = await SweepAsync(database);

        Assert.That((stopped.Deleted, stopped.Problem), Is.EqualTo((0, stopped.Problem)));
        Assert.That(stopped.Problem, Does.StartWith("101 of the results store's 102 files").And.Contain("--without-limit"));
        Assert.That(await HasAsync(database, lost[0]));

        Assert.That(await SweepAsync(database, withoutLimit: true), Is.EqualTo(new SweepResult(101)));
        Assert.That(await RetentionOf(database).ProblemAsync(default), Is.Null);
        Assert.That((await HasAsync(database, lost[0]), await HasAsync(database, named)), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task Sweep_OfManyOutputsWhoseTimeIsOver_Deletes()
    {
        StorageScope database = await DatabaseAsync();
        string[] files = [.. await Task.WhenAll(Enumerable.Range(0, 120).Select(_ => FileAsync(database)))];
        await NameAsync(database, files);
        await database.ExecuteAsync("UPDATE jobs SET finished_at = now() - interval '3 days'");

        Assert.That(await RetentionOf(database).ExpireOutputsAsync(1, default), Is.EqualTo(1));

        Assert.That(await SweepAsync(database), Is.EqualTo(new SweepResult(120)));
        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM released_files"), Is.Zero);
    }

    [Test]
    public async Task StoreOfAnEarlierVersion_WithFilesThatAreNotNamed_HasNoOwnerUntilItIsAdopted()
    {
        StorageScope earlier = await DatabaseAsync();
        string file = await NamedFileAsync(earlier);
        await ForgetMarkAsync(earlier);
        StorageScope mistyped = await DatabaseAsync();

        SweepResult sweep = await SweepAsync(mistyped);
        Assert.That(sweep.Problem, Does.Contain("no owner yet and holds 1 files").And.Contain("results adopt"));
        Assert.That(() => FileAsync(mistyped), Throws.Nothing);
        Assert.That(await OwnerAsync(mistyped), Is.EqualTo(StoreOwner.Nobody));

        // Its own database names the one, and not the other's
        Assert.That((await SweepAsync(earlier)).Problem, Does.Contain("holds 1 files, of 2,"));
        await OwnershipOf(earlier).AdoptAsync(default);
        Assert.That(await SweepAsync(earlier), Is.EqualTo(new SweepResult(1)));
        Assert.That(await HasAsync(earlier, file));
    }

    [Test]
    public async Task StoreOfAnEarlierVersion_WhoseFilesAreAllNamed_IsClaimedByTheSweep()
    {
        StorageScope earlier = await DatabaseAsync();
        await NamedFileAsync(earlier);
        await ForgetMarkAsync(earlier);

        Assert.That(await SweepAsync(earlier), Is.EqualTo(new SweepResult(0)));
        Assert.That(await OwnerAsync(earlier), Is.EqualTo(StoreOwner.Ours));
    }

    [Test]
    public async Task StoreWithoutTheMarkThatItHad_TakesAndDeletesNothing()
    {
        StorageScope database = await DatabaseAsync();
        string file = await NamedFileAsync(database);
        StorageScope elsewhere = await DatabaseAsync(NewStore());
        await elsewhere.ExecuteAsync($"UPDATE results_store SET mark = '{Guid.NewGuid()}'");

        Assert.That(() => FileAsync(elsewhere), Throws.InstanceOf<ResultsStoreException>().With.Message.Contain("not mounted"));
        Assert.That((await SweepAsync(elsewhere)).Problem, Is.EqualTo(ResultsOwnership.ProblemOf(StoreOwner.Missing)));
        Assert.That(await OwnershipOf(elsewhere).AdoptAsync(default), Is.EqualTo(StoreOwner.Missing));
        Assert.That(() => FileAsync(elsewhere), Throws.Nothing);
        Assert.That(await HasAsync(database, file));
    }

    /// <summary>Takes the mark out of the store, as a store of an earlier version has none.</summary>
    protected abstract Task RemoveMarkAsync((string Key, string Value)[] settings);

    private static IResultsStore Store(StorageScope scope) => scope.Get<IResultsStore>();

    private static ResultsOwnership OwnershipOf(StorageScope scope) => scope.Get<ResultsOwnership>();

    private static RetentionStore RetentionOf(StorageScope scope) =>
        new(scope.Source, Store(scope), OwnershipOf(scope), new UploadStore(scope.Source));

    private static Task<StoreOwner> OwnerAsync(StorageScope scope) => OwnershipOf(scope).LookAsync(default);

    private static Task<Guid> MarkAsync(StorageScope scope) => scope.ScalarAsync<Guid>("SELECT mark FROM results_store");

    private static Task<SweepResult> SweepAsync(StorageScope scope, bool withoutLimit = false) =>
        RetentionOf(scope).SweepAsync(LongAfter, withoutLimit, default);

    private static Task<string> FileAsync(StorageScope scope) =>
        Store(scope).PutAsync(RandomNumberGenerator.GetBytes(100), "image/png", default);

    private static async Task<string> NamedFileAsync(StorageScope scope)
    {
        string file = await FileAsync(scope);
        await NameAsync(scope, [file]);
        return file;
    }

    /// <summary>A succeeded job whose outputs are these files.</summary>
    private static async Task NameAsync(StorageScope scope, IReadOnlyList<string> files)
    {
        JobRow job = await scope.SubmitAsync(await scope.AccountAsync());
        ClaimedJob claim = await scope.ClaimAsync(job.Id);
        Assert.That(
            await scope.Jobs.CompleteAsync(
                job.Id,
                claim.LeaseEpoch,
                [.. files.Select((file, index) => StorageScope.Output(index, file))],
                default
            ),
            Is.EqualTo(FencedOutcome.Done)
        );
    }

    private static async Task<bool> HasAsync(StorageScope scope, string file)
    {
        await using Stream? stream = await Store(scope).OpenAsync(file, default);
        return stream is not null;
    }

    private async Task ForgetMarkAsync(StorageScope scope)
    {
        await RemoveMarkAsync(_settings);
        await scope.ExecuteAsync("UPDATE results_store SET mark = NULL, next_mark = NULL");
    }

    private Task<StorageScope> DatabaseAsync() => DatabaseAsync(_settings);

    private async Task<StorageScope> DatabaseAsync((string Key, string Value)[] settings)
    {
        StorageScope scope = await StorageScope.CreateAsync(settings: settings);
        _scopes.Add(scope);
        return scope;
    }
}

/// <summary>The store is a folder.</summary>
public sealed class FileStoreOwnershipTests : StoreOwnershipTests
{
    private readonly List<string> _folders = [];

    [OneTimeTearDown]
    public void DeleteFolders()
    {
        foreach (string folder in _folders)
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    protected override (string Key, string Value)[] NewStore()
    {
        _folders.Add(Directory.CreateTempSubdirectory("results-").FullName);
        return [("Results:Kind", "files"), ("Results:Path", _folders[^1])];
    }

    protected override Task RemoveMarkAsync((string Key, string Value)[] settings)
    {
        File.Delete(Path.Combine(settings.Single(setting => setting.Key == "Results:Path").Value, "owner.json"));
        return Task.CompletedTask;
    }
}
