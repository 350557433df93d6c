using System.Security.Cryptography;
using Generation.Storage.Results;

namespace Generation.Storage.Tests;

/// <summary>What every results store promises, wherever it keeps its files.</summary>
public abstract class ResultsStoreConformance
{
    protected abstract IResultsStore Store { get; }

    [Test]
    public async Task PutAsync_BytesAndStream_LieUnderTheirHash()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(200_000);
        string expected = Convert.ToHexStringLower(SHA256.HashData(bytes));

        string first = await Store.PutAsync(bytes, "image/png", default);
        using var stream = new MemoryStream(bytes);
        string second = await Store.PutAsync(stream, "image/png", default);

        Assert.That((first, second), Is.EqualTo((expected, expected)));
        Assert.That(await ReadAsync(expected), Is.EqualTo(bytes));
    }

    [Test]
    public async Task PutAsync_SameBytesFromManyAtOnce_IsWhole()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(1_000_000);

        string[] names = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => Store.PutAsync(bytes, "image/png", default)))
        );

        Assert.That(names.Distinct().Count(), Is.EqualTo(1));
        Assert.That(await ReadAsync(names[0]), Is.EqualTo(bytes));
    }

    [Test]
    public async Task PutAsync_SourceFails_LeavesNothing()
    {
        using var broken = new BrokenStream();
        int before = (await ListAsync()).Count;

        Assert.That(() => Store.PutAsync(broken, "image/png", default), Throws.InstanceOf<IOException>());
        Assert.That(await ListAsync(), Has.Count.EqualTo(before));
    }

    [Test]
    public async Task DeleteAsync_ThenOpen_IsGone()
    {
        string name = await Store.PutAsync(RandomNumberGenerator.GetBytes(10), "image/png", default);

        Assert.That(await Store.DeleteAsync(name, default));
        Assert.That(await Store.DeleteAsync(name, default), Is.False);
        Assert.That(await Store.OpenAsync(name, default), Is.Null);
    }

    [Test]
    public async Task DeleteOldAsync_PutSince_StaysAndOld_Goes()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(10);
        string name = await Store.PutAsync(bytes, "image/png", default);

        Assert.That(await Store.DeleteOldAsync(name, DateTimeOffset.UtcNow.AddHours(-1), default), Is.False);
        Assert.That(await ReadAsync(name), Is.EqualTo(bytes));
        Assert.That(await Store.DeleteOldAsync(name, DateTimeOffset.UtcNow.AddHours(1), default));
        Assert.That(await Store.OpenAsync(name, default), Is.Null);
        Assert.That(await Store.DeleteOldAsync(name, DateTimeOffset.UtcNow.AddHours(1), default), Is.False, "not there");
    }

    [TestCase("../../../etc/passwd")]
    [TestCase("ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")]
    [TestCase("")]
    public void OpenAsync_NotAHash_IsRefused(string name) => Assert.That(() => Store.OpenAsync(name, default), Throws.ArgumentException);

    [Test]
    public async Task ListAsync_Files_AreThereWithSizeAndTime()
    {
        string name = await Store.PutAsync(RandomNumberGenerator.GetBytes(12_345), "image/png", default);

        StoredFile mine = (await ListAsync()).Single(f => f.Sha256 == name);

        Assert.That(mine.Bytes, Is.EqualTo(12_345));
        Assert.That(mine.ModifiedAt, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(2)));
    }

    [Test]
    public async Task WriteDocumentAsync_NewThenAgain_IsReplacedOnlyIfToldTo()
    {
        Assert.That(await Store.ReadDocumentAsync("a-document", default), Is.Null);
        Assert.That(await Store.WriteDocumentAsync("a-document", "{}"u8.ToArray(), replace: false, default));
        Assert.That(await Store.WriteDocumentAsync("a-document", "[]"u8.ToArray(), replace: false, default), Is.False);
        Assert.That(await Store.ReadDocumentAsync("a-document", default), Is.EqualTo("{}"u8.ToArray()));
        Assert.That(await Store.WriteDocumentAsync("a-document", "[]"u8.ToArray(), replace: true, default));
        Assert.That(await Store.ReadDocumentAsync("a-document", default), Is.EqualTo("[]"u8.ToArray()));
        Assert.That((await ListAsync()).Select(file => file.Sha256), Has.None.Contain("document"), "no file of the store's");
        Assert.That(() => Store.ReadDocumentAsync("../key", default), Throws.ArgumentException);
    }

    [Test]
    public void CheckAsync_StoreThatWorks_IsQuiet() => Assert.That(() => Store.CheckAsync(default), Throws.Nothing);

    protected async Task<byte[]> ReadAsync(string name)
    {
        await using Stream? stream = await Store.OpenAsync(name, default);
        Assert.That(stream, Is.Not.Null);
        using var copy = new MemoryStream();
        await stream!.CopyToAsync(copy);
        return copy.ToArray();
    }

    protected async Task<List<StoredFile>> ListAsync()
    {
        var found = new List<StoredFile>();
        await foreach (StoredFile file in Store.ListAsync(default))
        {
            found.Add(file);
        }

        return found;
    }

    private sealed class BrokenStream : MemoryStream
    {
        private int _reads;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _reads++ == 0 ? ValueTask.FromResult(buffer.Length) : throw new IOException("broken");
    }
}
