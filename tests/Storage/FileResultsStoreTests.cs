using System.Security.Cryptography;
using Generation.Storage;

namespace Generation.Tests.Storage;

public sealed class FileResultsStoreTests
{
    private string _folder = "";
    private FileResultsStore _store = null!;

    [SetUp]
    public void CreateStore()
    {
        _folder = Directory.CreateTempSubdirectory("results-").FullName;
        _store = new FileResultsStore(_folder);
    }

    [TearDown]
    public void DropStore() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task PutAsync_BytesAndStream_LieUnderTheirHashOnce()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(200_000);
        string expected = Convert.ToHexStringLower(SHA256.HashData(bytes));

        string first = await _store.PutAsync(bytes, "image/png", default);
        using var stream = new MemoryStream(bytes);
        string second = await _store.PutAsync(stream, "image/png", default);

        Assert.That((first, second), Is.EqualTo((expected, expected)));
        Assert.That(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories),
            Is.EqualTo(new[] { Path.Combine(_folder, expected[..2], expected[2..4], expected) }));
        await using Stream? opened = await _store.OpenAsync(expected, default);
        using var copy = new MemoryStream();
        await opened!.CopyToAsync(copy);
        Assert.That(copy.ToArray(), Is.EqualTo(bytes));
    }

    [Test]
    public void PutAsync_SourceFails_LeavesNothing()
    {
        using var broken = new BrokenStream();

        Assert.That(() => _store.PutAsync(broken, "image/png", default), Throws.InstanceOf<IOException>());
        Assert.That(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories), Is.Empty);
    }

    [Test]
    public async Task PutAsync_TruncatedFileInPlace_IsReplaced()
    {
        byte[] bytes = [1, 2, 3, 4, 5];
        string sha256 = await _store.PutAsync(bytes, "image/png", default);
        string file = Path.Combine(_folder, sha256[..2], sha256[2..4], sha256);
        await File.WriteAllBytesAsync(file, [1, 2]);

        await _store.PutAsync(bytes, "image/png", default);

        Assert.That(await File.ReadAllBytesAsync(file), Is.EqualTo(bytes));
    }

    [Test]
    public async Task PutAsync_SameBytesFromManyAtOnce_IsWhole()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(1_000_000);

        string[] names = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => _store.PutAsync(bytes, "image/png", default))));

        Assert.That(names.Distinct().Count(), Is.EqualTo(1));
        await using Stream? opened = await _store.OpenAsync(names[0], default);
        Assert.That(await SHA256.HashDataAsync(opened!), Is.EqualTo(SHA256.HashData(bytes)));
    }

    [Test]
    public async Task DeleteAsync_ThenOpen_IsGone()
    {
        string sha256 = await _store.PutAsync(new byte[] { 1 }, "image/png", default);

        Assert.That(await _store.DeleteAsync(sha256, default));
        Assert.That(await _store.DeleteAsync(sha256, default), Is.False);
        Assert.That(await _store.OpenAsync(sha256, default), Is.Null);
    }

    [TestCase("../../../etc/passwd")]
    [TestCase("ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")]
    [TestCase("")]
    public void OpenAsync_NotAHash_IsRefused(string name) =>
        Assert.That(() => _store.OpenAsync(name, default), Throws.ArgumentException);

    [Test]
    public async Task ListAsync_Files_AreAllThereWithSizes()
    {
        string a = await _store.PutAsync(new byte[] { 1 }, "image/png", default);
        string b = await _store.PutAsync(new byte[] { 1, 2 }, "image/png", default);
        await File.WriteAllTextAsync(Path.Combine(_folder, "incoming", "left-over"), "x");

        var found = new Dictionary<string, long>();
        await foreach (StoredFile file in _store.ListAsync(default))
        {
            found[file.Sha256] = file.Bytes;
        }

        Assert.That(found, Is.EquivalentTo(new Dictionary<string, long> { [a] = 1, [b] = 2 }));
    }

    private sealed class BrokenStream : MemoryStream
    {
        private int _reads;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _reads++ == 0 ? ValueTask.FromResult(buffer.Length) : throw new IOException("broken");
    }
}
