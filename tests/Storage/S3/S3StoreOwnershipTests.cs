using Amazon.S3;
using Generation.Storage.Results;
using Generation.TestSupport;

namespace Generation.Storage.Tests.S3;

/// <summary>The store is a bucket of a real S3 server.</summary>
public sealed class S3StoreOwnershipTests : StoreOwnershipTests
{
    private const string Bucket = "shared";

    private IS3Server _server = null!;

    [OneTimeSetUp]
    public async Task StartServer()
    {
        _server = await TestServers.StartS3Async();
        using var store = new S3ResultsStore(
            new S3Options
            {
                ServiceUrl = _server.Address.AbsoluteUri,
                Bucket = Bucket,
                AccessKey = _server.AccessKey,
                SecretKey = _server.SecretKey,
            }
        );
        await store.EnsureBucketAsync(default);
    }

    [OneTimeTearDown]
    public async Task StopServer()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    protected override (string Key, string Value)[] NewStore() =>
        [
            ("Results:Kind", "s3"),
            ("Results:S3:ServiceUrl", _server.Address.AbsoluteUri),
            ("Results:S3:Bucket", Bucket),
            ("Results:S3:Prefix", $"{Guid.NewGuid():N}/"),
            ("Results:S3:AccessKey", _server.AccessKey),
            ("Results:S3:SecretKey", _server.SecretKey),
        ];

    protected override async Task RemoveMarkAsync((string Key, string Value)[] settings)
    {
        using var client = new AmazonS3Client(
            _server.AccessKey,
            _server.SecretKey,
            new AmazonS3Config { ServiceURL = _server.Address.AbsoluteUri, ForcePathStyle = true }
        );
        await client.DeleteObjectAsync(Bucket, settings.Single(setting => setting.Key == "Results:S3:Prefix").Value + "owner.json");
    }
}
