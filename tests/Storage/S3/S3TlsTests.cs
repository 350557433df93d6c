using System.Security.Cryptography;
using Generation.Storage.Results;
using Generation.Storage.Tls;
using Generation.TestSupport;
using Microsoft.Extensions.Configuration;

namespace Generation.Storage.Tests.S3;

/// <summary>A real S3 server by TLS, under an authority of the test's own.</summary>
public sealed class S3TlsTests
{
    private readonly TestAuthority _authority = new("the test's authority");
    private readonly TestAuthority _stranger = new("another authority");
    private string _folder = "";
    private IS3Server _server = null!;

    [OneTimeSetUp]
    public async Task StartServer()
    {
        _folder = Directory.CreateTempSubdirectory("tls-").FullName;
        await File.WriteAllTextAsync(Path.Combine(_folder, "authority.pem"), _authority.Pem);
        _server = await TestServers.StartS3Async();
    }

    [OneTimeTearDown]
    public async Task StopServer()
    {
        await _server.DisposeAsync();
        _authority.Dispose();
        _stranger.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public async Task Store_WithTheAuthorityInTheSettings_IsReachedByTls()
    {
        using var proxy = new TlsProxy(_server.Address.Host, _server.Address.Port, _authority.Sign("localhost"));
        using var store = new S3ResultsStore(Options(proxy), Trust());
        await store.EnsureBucketAsync(default);
        byte[] bytes = RandomNumberGenerator.GetBytes(100_000);

        string name = await store.PutAsync(bytes, "image/png", default);

        await using Stream read = (await store.OpenAsync(name, default))!;
        using var back = new MemoryStream();
        await read.CopyToAsync(back);
        Assert.That(back.ToArray(), Is.EqualTo(bytes));
        Assert.That(proxy.Connections, Is.GreaterThan(0));
        Assert.That(store.UrlOf(name, "image/png", "a.png", DateTimeOffset.UtcNow.AddMinutes(5))!.Scheme, Is.EqualTo("https"));
    }

    [TestCase("another authority")]
    [TestCase("another host")]
    [TestCase("no authority in the settings")]
    public void Store_OfAnotherAuthorityOrHost_IsNotTrusted(string why)
    {
        using var proxy = new TlsProxy(
            _server.Address.Host,
            _server.Address.Port,
            why == "another authority" ? _stranger.Sign("localhost")
                : why == "another host" ? _authority.Sign("elsewhere.example")
                : _authority.Sign("localhost")
        );
        using var store = new S3ResultsStore(Options(proxy), why.StartsWith("no ", StringComparison.Ordinal) ? null : Trust());

        Assert.That(async () => await store.CheckAsync(default), Throws.TypeOf<ResultsStoreException>());
        Assert.That(proxy.Attempts, Is.GreaterThan(0));
    }

    private ServerTrust Trust() =>
        ServerTrust.Of(
            new ConfigurationBuilder()
                .AddInMemoryCollection(new Dictionary<string, string?> { ["Tls:AuthorityFile"] = Path.Combine(_folder, "authority.pem") })
                .Build()
        );

    private S3Options Options(TlsProxy proxy) =>
        new()
        {
            ServiceUrl = $"https://localhost:{proxy.Port}",
            Bucket = "results",
            AccessKey = _server.AccessKey,
            SecretKey = _server.SecretKey,
        };
}
