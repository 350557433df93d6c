using System.Security.Cryptography;
using Amazon.S3;
using Generation.Storage.Results;
using Generation.TestSupport;

namespace Generation.Storage.Tests.S3;

/// <summary>The same promises as the file store's, kept by a bucket of a real S3 server.</summary>
public sealed class S3ResultsStoreTests : ResultsStoreConformance
{
    private IS3Server? _server;
    private S3ResultsStore _store = null!;

    protected override IResultsStore Store => _store;

    [OneTimeSetUp]
    public async Task StartServer()
    {
        _server = await TestServers.StartS3Async();
        _store = new S3ResultsStore(Options());
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
    public async Task PutAsync_LargerThanAPart_ArrivesWhole()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes((11 << 20) + 17);
        using var stream = new MemoryStream(bytes);

        string name = await _store.PutAsync(stream, "video/mp4", default);

        Assert.That(await ReadAsync(name), Is.EqualTo(bytes));
        using var client = new HttpClient();
        using HttpResponseMessage answer = await client.GetAsync(
            _store.UrlOf(name, "video/mp4", "clip.mp4", DateTimeOffset.UtcNow.AddMinutes(5))
        );
        Assert.That(answer.Headers.ETag!.Tag, Does.EndWith("-3\""), "S3's mark of an object of three parts");
    }

    [TestCase(200_000, 0, TestName = "PutAsync_ConnectionsBreakBeforeAnythingIsSent_TriesAgain")]
    [TestCase(1_000_000, 300_000, TestName = "PutAsync_ConnectionsBreakWithinAFile_TriesAgain")]
    [TestCase((11 << 20) + 17, 2_000_000, TestName = "PutAsync_ConnectionsBreakWithinAPart_TriesAgain")]
    public async Task PutAsync_ConnectionsBreak_TriesAgain(int size, int after)
    {
        S3Options options = Options();
        using var way = new UnreliableWay(options.ServiceUrl!, breaks: 2, after);
        using var store = new S3ResultsStore(options with { ServiceUrl = way.Address });
        byte[] bytes = RandomNumberGenerator.GetBytes(size);
        using var stream = new MemoryStream(bytes);

        string name = await store.PutAsync(stream, "video/mp4", default);

        Assert.That(way.Broken, Is.EqualTo(2));
        Assert.That(await ReadAsync(name), Is.EqualTo(bytes));
    }

    [Test]
    public async Task RecoverAsync_UploadWhoseProcessDied_IsGivenUpWhenItIsOld()
    {
        if (!_server!.ListsUploads)
        {
            Assert.Ignore("MinIO lists no uploads of a whole bucket, and gives up old ones by itself.");
        }

        S3Options options = Options();
        using var client = new AmazonS3Client(
            options.AccessKey,
            options.SecretKey,
            new AmazonS3Config { ServiceURL = options.ServiceUrl, ForcePathStyle = true }
        );
        string key = options.Prefix + "ab/cd/" + new string('a', 64);
        string upload = (await client.InitiateMultipartUploadAsync(options.Bucket, key)).UploadId;
        Task<bool> IsThereAsync() =>
            client
                .ListMultipartUploadsAsync(options.Bucket)
                .ContinueWith(t => (t.Result.MultipartUploads ?? []).Exists(u => u.UploadId == upload), TaskScheduler.Default);

        await _store.RecoverAsync(DateTimeOffset.UtcNow.AddHours(-1), default);
        Assert.That(await IsThereAsync(), "one that may be under way");

        await _store.RecoverAsync(DateTimeOffset.UtcNow.AddHours(1), default);
        Assert.That(await IsThereAsync(), Is.False);
    }

    [Test]
    public async Task UrlOf_Object_IsFetchedWithoutAKeyUnderItsName()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(1000);
        string name = await _store.PutAsync(bytes, "image/png", default);
        using var client = new HttpClient();

        using HttpResponseMessage answer = await client.GetAsync(
            _store.UrlOf(name, "image/png", "apple.png", DateTimeOffset.UtcNow.AddMinutes(5))
        );

        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(bytes));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
        Assert.That(answer.Content.Headers.ContentDisposition!.FileName, Is.EqualTo("apple.png"));
        var unsigned = new UriBuilder(_store.UrlOf(name, "image/png", "apple.png", DateTimeOffset.UtcNow.AddMinutes(5))!) { Query = "" };
        Assert.That((await client.GetAsync(unsigned.Uri)).IsSuccessStatusCode, Is.False);
    }

    [Test]
    public void CheckAsync_WrongKeys_SaysWhichSettings()
    {
        using var store = new S3ResultsStore(Options() with { SecretKey = "wrong" });

        Assert.That(
            () => store.CheckAsync(default),
            Throws.InstanceOf<ResultsStoreException>().With.Message.Contain("Results:S3:AccessKey")
        );
    }

    [Test]
    public async Task UrlOf_PublicAddress_NamesItAndIsSignedForIt()
    {
        S3Options options = Options();
        // The same server under another name: signed for one host, an address is refused at another
        string other = new UriBuilder(options.ServiceUrl!) { Host = _server!.Address.Host == "localhost" ? "127.0.0.1" : "localhost" }
            .Uri
            .AbsoluteUri;
        using var store = new S3ResultsStore(options with { PublicUrl = other });
        byte[] bytes = RandomNumberGenerator.GetBytes(1000);
        string name = await store.PutAsync(bytes, "image/png", default);
        using var client = new HttpClient();

        Uri address = store.UrlOf(name, "image/png", "apple.png", DateTimeOffset.UtcNow.AddMinutes(5))!;

        Assert.That(address.AbsoluteUri, Does.StartWith(other));
        Assert.That(await client.GetByteArrayAsync(address), Is.EqualTo(bytes));
    }

    [Test]
    public void PutAsync_NoSuchBucketOrNoServer_SaysWhere()
    {
        using var bucketless = new S3ResultsStore(Options("nothing-here"));
        using var alone = new S3ResultsStore(Options() with { ServiceUrl = "http://127.0.0.1:1", TimeoutSeconds = 2 });

        Assert.That(
            () => bucketless.PutAsync(new byte[] { 1 }, "image/png", default),
            Throws.InstanceOf<ResultsStoreException>().With.Message.Contain("nothing-here")
        );
        Assert.That(() => alone.CheckAsync(default), Throws.InstanceOf<ResultsStoreException>().With.Message.Contain("127.0.0.1:1"));
    }

    [Test]
    public void CheckAsync_NoSuchBucket_SaysSo()
    {
        using var store = new S3ResultsStore(Options("nothing-here"));

        Assert.That(
            () => store.CheckAsync(default),
            Throws.InstanceOf<ResultsStoreException>().With.Message.Contain("no bucket 'nothing-here'")
        );
    }

    private S3Options Options(string bucket = "results") =>
        new()
        {
            ServiceUrl = _server!.Address.AbsoluteUri,
            Bucket = bucket,
            Prefix = "outputs/",
            AccessKey = _server.AccessKey,
            SecretKey = _server.SecretKey,
            PartBytes = 5 << 20,
            TimeoutSeconds = 60,
        };
}
