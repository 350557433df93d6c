using System.Security.Cryptography.X509Certificates;

namespace Generation.TestSupport;

/// <summary>
/// What a fixture about TLS needs: its share of the real servers, an authority that programs are told to trust, and another that they are
/// not told of.
/// </summary>
public sealed class TlsScope : IAsyncDisposable
{
    private readonly TestAuthority _authority = new("the test's authority");
    private readonly TestAuthority _stranger = new("another authority");

    private TlsScope(TestScope servers)
    {
        Servers = servers;
        File.WriteAllText(AuthorityFile, _authority.Pem);
    }

    public TestScope Servers { get; }

    /// <summary>A temporary folder.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("tls-").FullName;

    /// <summary>The PEM file of the authority that programs are told to trust.</summary>
    public string AuthorityFile => Path.Combine(Folder, "authority.pem");

    public static async Task<TlsScope> CreateAsync() => new(await TestServers.NewScopeAsync());

    /// <summary>A certificate for localhost by the trusted authority.</summary>
    public X509Certificate2 Trusted() => _authority.Sign("localhost");

    /// <summary>A certificate for localhost by the other authority, or one for another host by the trusted authority.</summary>
    public X509Certificate2 Untrusted(bool isStranger) => isStranger ? _stranger.Sign("localhost") : _authority.Sign("elsewhere.example");

    public async ValueTask DisposeAsync()
    {
        await Servers.DisposeAsync();
        _authority.Dispose();
        _stranger.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
