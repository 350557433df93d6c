using Amazon.Runtime;

namespace Generation.Storage.Tls;

/// <summary>HTTP clients for the AWS SDK that trust the servers of <see cref="ServerTrust"/>.</summary>
internal sealed class TrustingClientFactory(ServerTrust trust) : HttpClientFactory
{
    public override HttpClient CreateHttpClient(IClientConfig clientConfig)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            SslOptions = { RemoteCertificateValidationCallback = trust.Check },
        };
        return new HttpClient(handler, disposeHandler: true) { Timeout = clientConfig.Timeout ?? TimeSpan.FromSeconds(100) };
    }
}
