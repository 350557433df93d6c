using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Amazon.Runtime;
using Microsoft.Extensions.Configuration;

namespace Generation.Storage.Tls;

/// <summary>Settings of how the certificates of PostgreSQL, Redis, RabbitMQ and the S3 server are trusted: section "Tls".</summary>
public sealed record TlsOptions
{
    public const string Section = "Tls";

    /// <summary>
    /// A PEM file with the certificates of the authorities that sign the servers' certificates, where the system's authorities do not.
    /// Whether TLS is used is said by each server's connection string or address.
    /// </summary>
    public string? AuthorityFile { get; init; }
}

/// <summary>
/// Decides whether a server's certificate is trusted: it must name the host that was asked for, and be signed by an authority of the system
/// or of Tls:AuthorityFile. There is no way to trust every certificate.
/// </summary>
public sealed class ServerTrust
{
    private readonly X509Certificate2Collection _authorities;

    private ServerTrust(string? file, X509Certificate2Collection authorities) => (AuthorityFile, _authorities) = (file, authorities);

    /// <summary>The file with authorities beside the system's; null if there is none.</summary>
    public string? AuthorityFile { get; }

    /// <summary>Reads the settings from the configuration.</summary>
    /// <exception cref="InvalidOperationException">The file does not exist, or has no certificates.</exception>
    public static ServerTrust Of(IConfiguration configuration)
    {
        var authorities = new X509Certificate2Collection();
        string? file = configuration.GetSection(TlsOptions.Section).Get<TlsOptions>()?.AuthorityFile;
        if (string.IsNullOrWhiteSpace(file))
        {
            return new ServerTrust(null, authorities);
        }

        try
        {
            authorities.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new InvalidOperationException($"Tls:AuthorityFile names {file}, which is no PEM file: {e.Message}", e);
        }

        return authorities.Count > 0
            ? new ServerTrust(file, authorities)
            : throw new InvalidOperationException($"Tls:AuthorityFile names {file}, which has no certificate in PEM form.");
    }

    /// <summary>Decides on a server's certificate; it has the form of the callback of TLS clients.</summary>
    public bool Check(object? sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
        {
            return true;
        }

        // Another host's certificate is not made good by who signed it
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is null || _authorities.Count == 0)
        {
            return false;
        }

        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        // An authority of one's own has mostly no place that tells of revoked certificates
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (chain is not null)
        {
            foreach (X509ChainElement element in chain.ChainElements)
            {
                own.ChainPolicy.ExtraStore.Add(element.Certificate);
            }
        }

        using X509Certificate2 leaf = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        return own.Build(leaf);
    }
}

/// <summary>The HTTP clients of an S3 server whose certificate an authority of one's own may have signed.</summary>
internal sealed class TrustingHttpClients(ServerTrust trust) : HttpClientFactory
{
    public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
        new(
            new SocketsHttpHandler
            {
                SslOptions = { RemoteCertificateValidationCallback = trust.Check },
                // A request is signed for one address
                AllowAutoRedirect = false,
                PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            }
        )
        {
            Timeout = clientConfig.Timeout ?? Timeout.InfiniteTimeSpan,
        };

    /// <summary>Null: clients end with the S3 client that they were made for.</summary>
    public override string? GetConfigUniqueString(IClientConfig clientConfig) => null;
}
