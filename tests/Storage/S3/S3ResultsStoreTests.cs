using System.Security.Cryptography;
using Generation.Storage;

namespace Generation.Tests.Storage;

/// <summary>The same promises as the file store's, kept by a bucket of a real S3 server.</summary>
public sealed class S3ResultsStoreTests
{
    private SwiftServer? _server;
    private S3ResultsStore _store = null!;

    [OneTimeSetUp]
    public async Task StartServer()
    {
        if (SwiftServer.Missing is { Length: > 0 } missing)
        {
            string reason = $"There is no S3 server to test against: apt install {missing}";
            if (Environment.GetEnvironmentVariable("CI") is { Length: > 0 })
            {
                Assert.Fail(reason);
            }

            Assert.Ignore(reason);
        }

        _server = await SwiftServer.StartAsync();
        _store = new S3ResultsStore(_server.Options("results"));
        await _store.EnsureBucketAsync(default);
        await _store.EnsureBucketAsync(default);
    }

    [OneTimeTearDown]
    public async Task StopServer()
    {
        if (_server is not null)
        {
            _store.Dispose();
            await _server.DisposeAsync();
        }
    }

    [Test]
    public async Task PutAsync_BytesAndStream_LieUnderTheirHash()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(100_000);
        string expected = Convert.ToHexStringLower(SHA256.HashData(bytes));

        string first = await _store.PutAsync(bytes, "image/png", default);
        using var stream = new MemoryStream(bytes);
        string second = await _store.PutAsync(stream, "image/png", default);

        Assert.That((first, second), Is.EqualTo((expected, expected)));
        Assert.That(await ReadAsync(expected), Is.EqualTo(bytes));
    }

    [Test]
    public async Task PutAsync_LargerThanAPart_ArrivesWhole()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes((11 << 20) + 17);
        using var stream = new MemoryStream(bytes);

        string name = await _store.PutAsync(stream, "video/mp4", default);

        Assert.That(await ReadAsync(name), Is.EqualTo(bytes));
    }

    [Test]
    public async Task UrlOf_Object_IsFetchedWithoutAKeyUnderItsName()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(1000);
        string name = await _store.PutAsync(bytes, "image/png", default);
        using var client = new HttpClient();

        using HttpResponseMessage answer = await client.GetAsync(_store.UrlOf(name, "image/png", "apple.png"));

        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(bytes));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
        Assert.That(answer.Content.Headers.ContentDisposition!.FileName, Is.EqualTo("apple.png"));
        var unsigned = new UriBuilder(_store.UrlOf(name, "image/png", "apple.png")) { Query = "" };
        Assert.That((await client.GetAsync(unsigned.Uri)).IsSuccessStatusCode, Is.False);
    }

    [Test]
    public async Task DeleteAsync_ThenOpen_IsGone()
    {
        string name = await _store.PutAsync(RandomNumberGenerator.GetBytes(10), "image/png", default);

        Assert.That(await _store.DeleteAsync(name, default));
        Assert.That(await _store.DeleteAsync(name, default), Is.False);
        Assert.That(await _store.OpenAsync(name, default), Is.Null);
    }

    [Test]
    public async Task ListAsync_Objects_AreAllThere()
    {
        string name = await _store.PutAsync(RandomNumberGenerator.GetBytes(12_345), "image/png", default);

        var found = new List<StoredFile>();
        await foreach (StoredFile file in _store.ListAsync(default))
        {
            found.Add(file);
        }

        StoredFile mine = found.Single(f => f.Sha256 == name);
        Assert.That(mine.Bytes, Is.EqualTo(12_345));
        Assert.That(mine.ModifiedAt, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(2)));
    }

    [Test]
    public void CheckAsync_NoSuchBucket_SaysSo()
    {
        using var store = new S3ResultsStore(_server!.Options("nothing-here"));

        Assert.That(() => store.CheckAsync(default), Throws.InstanceOf<Amazon.S3.AmazonS3Exception>().With.Message.Contain("bucket"));
    }

    private async Task<byte[]> ReadAsync(string name)
    {
        await using Stream? stream = await _store.OpenAsync(name, default);
        using var copy = new MemoryStream();
        await stream!.CopyToAsync(copy);
        return copy.ToArray();
    }
}
