using System.Security.Cryptography;
using Generation.Storage.Results;

namespace Generation.Storage.Tests;

/// <summary>Files under one folder.</summary>
public sealed class FileResultsStoreTests : ResultsStoreConformance
{
    private string _folder = "";
    private FileResultsStore _store = null!;

    protected override IResultsStore Store => _store;

    [SetUp]
    public void CreateStore()
    {
        _folder = Directory.CreateTempSubdirectory("results-").FullName;
        _store = new FileResultsStore(_folder);
    }

    [TearDown]
    public void DropStore() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task PutAsync_TwiceTheSame_IsOneFileInFoldersOfItsName()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(1000);
        string name = await _store.PutAsync(bytes, "image/png", default);

        await _store.PutAsync(bytes, "image/png", default);

        Assert.That(
            Directory.GetFiles(_folder, "*", SearchOption.AllDirectories),
            Is.EqualTo(new[] { Path.Combine(_folder, name[..2], name[2..4], name) })
        );
    }

    [Test]
    public async Task PutAsync_TruncatedFileInPlace_IsReplaced()
    {
        byte[] bytes = [1, 2, 3, 4, 5];
        string sha256 = await _store.PutAsync(bytes, "image/png", default);
        await File.WriteAllBytesAsync(Path.Combine(_folder, sha256[..2], sha256[2..4], sha256), [1, 2]);

        await _store.PutAsync(bytes, "image/png", default);

        Assert.That(await ReadAsync(sha256), Is.EqualTo(bytes));
    }

    [Test]
    public async Task PutAsync_WhileTheSweepTakesTheOldFile_IsThereAfterwards()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(1000);
        string name = await _store.PutAsync(bytes, "image/png", default);
        string place = Path.Combine(_folder, name[..2], name[2..4], name);
        for (int i = 0; i < 200; i++)
        {
            File.SetLastWriteTimeUtc(place, DateTime.UtcNow.AddHours(-2));
            DateTimeOffset putBefore = DateTimeOffset.UtcNow.AddHours(-1);

            await Task.WhenAll(
                Task.Run(() => _store.DeleteOldAsync(name, putBefore, default)),
                Task.Run(() => _store.PutAsync(bytes, "image/png", default))
            );

            Assert.That(await ReadAsync(name), Is.EqualTo(bytes), $"round {i}");
        }
    }

    [Test]
    public async Task RecoverAsync_SweepThatDiedWithAFileSetAside_PutsItBack([Values] bool putAgain)
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(1000);
        string name = await _store.PutAsync(bytes, "image/png", default);
        string place = Path.Combine(_folder, name[..2], name[2..4], name);
        DateTime old = DateTime.UtcNow.AddDays(-2);
        File.SetLastWriteTimeUtc(place, old);
        File.Move(place, Path.Combine(_folder, "incoming", $"{name}-{Guid.NewGuid():N}"));
        if (putAgain)
        {
            await _store.PutAsync(bytes, "image/png", default);
        }

        await _store.RecoverAsync(DateTimeOffset.UtcNow.AddHours(-1), default);

        Assert.That(await ReadAsync(name), Is.EqualTo(bytes));
        Assert.That(
            File.GetLastWriteTimeUtc(place),
            putAgain ? Is.GreaterThan(old.AddDays(1)) : Is.EqualTo(old).Within(TimeSpan.FromSeconds(1)),
            "as old as it was, and not over a newer one"
        );
        Assert.That(Directory.GetFiles(Path.Combine(_folder, "incoming")), Is.Empty);
    }

    [Test]
    public async Task RecoverAsync_WritesThatDied_AreClearedAwayWhenTheyAreOld()
    {
        await _store.CheckAsync(default);
        string dead = Path.Combine(_folder, "incoming", Guid.NewGuid().ToString("N"));
        string alive = Path.Combine(_folder, "incoming", Guid.NewGuid().ToString("N"));
        await File.WriteAllTextAsync(dead, "x");
        await File.WriteAllTextAsync(alive, "y");
        File.SetLastWriteTimeUtc(dead, DateTime.UtcNow.AddHours(-2));

        await _store.RecoverAsync(DateTimeOffset.UtcNow.AddHours(-1), default);

        Assert.That(Directory.GetFiles(Path.Combine(_folder, "incoming")), Is.EqualTo(new[] { alive }));
    }

    [Test]
    public async Task ListAsync_FileThatWasNotFinished_IsNotShown()
    {
        await _store.CheckAsync(default);
        await File.WriteAllTextAsync(Path.Combine(_folder, "incoming", "left-over"), "x");

        Assert.That(await ListAsync(), Is.Empty);
    }

    [Test]
    public async Task CheckAsync_FolderGone_SaysWhatToDoAndMakesNoOther()
    {
        await _store.CheckAsync(default);
        Directory.Move(_folder, _folder + ".aside");

        Assert.That(
            () => _store.CheckAsync(default),
            Throws.InstanceOf<ResultsStoreException>().With.Message.Contain(_folder).And.Message.Contain("Results:Path")
        );
        Assert.That(Directory.Exists(_folder), Is.False);

        Directory.Move(_folder + ".aside", _folder);
        await _store.CheckAsync(default);
    }

    [Test]
    public async Task CheckAsync_PlaceTakenByAFile_SaysSoUntilItIsFree()
    {
        string place = Path.Combine(_folder, "taken");
        await File.WriteAllTextAsync(place, "a file");
        var store = new FileResultsStore(Path.Combine(place, "results"));

        Assert.That(() => store.CheckAsync(default), Throws.InstanceOf<ResultsStoreException>().With.Message.Contain("Results:Path"));
        Assert.That(() => store.PutAsync(new byte[] { 1 }, "image/png", default), Throws.InstanceOf<ResultsStoreException>());

        File.Delete(place);
        await store.CheckAsync(default);
        await store.PutAsync(new byte[] { 1 }, "image/png", default);
    }
}
