using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Generation.TestSupport;

/// <summary>A certificate authority of a test's own, which signs certificates of servers.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly RSA _key = RSA.Create(2048);
    private readonly X509Certificate2 _certificate;

    public TestAuthority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(7));
    }

    /// <summary>The authority's certificate, as programs are given it.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>A server's certificate, with its key, for a host.</summary>
    public X509Certificate2 Sign(string host)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, false));
        using X509Certificate2 signed = request.Create(
            _certificate,
            DateTimeOffset.UtcNow.AddHours(-1),
            DateTimeOffset.UtcNow.AddDays(6),
            RandomNumberGenerator.GetBytes(16)
        );
        using X509Certificate2 withKey = signed.CopyWithPrivateKey(key);
        // A key that lives in memory alone cannot serve everywhere: as a file of both it can
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }
}

/// <summary>
/// Speaks TLS on a port of localhost, and passes what is said on to a real server. Where that is PostgreSQL, it first answers the
/// request for
/// TLS that its protocol begins with.
/// </summary>
public sealed class TlsProxy : IDisposable
{
    private static readonly byte[] PostgresTlsRequest = [0, 0, 0, 8, 4, 210, 22, 47];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly EndPoint _server;
    private readonly X509Certificate2 _certificate;
    private readonly bool _isPostgres;
    private int _attempts;
    private int _connections;

    /// <param name="host">The real server's host.</param>
    /// <param name="port">Its port.</param>
    /// <param name="certificate">What the proxy shows.</param>
    /// <param name="isPostgres">Whether clients ask for TLS as PostgreSQL's do.</param>
    public TlsProxy(string host, int port, X509Certificate2 certificate, bool isPostgres = false)
    {
        _server = new DnsEndPoint(host, port);
        (_certificate, _isPostgres) = (certificate, isPostgres);
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many clients came.</summary>
    public int Attempts => Volatile.Read(ref _attempts);

    /// <summary>How many clients agreed on TLS, as far as the server knows: one may refuse the certificate after that.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _certificate.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_stop.Token);
                Interlocked.Increment(ref _attempts);
                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed
        }
    }

    private async Task ServeAsync(Socket accepted)
    {
        try
        {
            await using var client = new NetworkStream(accepted, ownsSocket: true);
            if (_isPostgres)
            {
                byte[] request = new byte[PostgresTlsRequest.Length];
                await client.ReadExactlyAsync(request, _stop.Token);
                if (!request.AsSpan().SequenceEqual(PostgresTlsRequest))
                {
                    return;
                }

                await client.WriteAsync("S"u8.ToArray(), _stop.Token);
            }

            await using var secure = new SslStream(client);
            await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stop.Token);
            Interlocked.Increment(ref _connections);
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(_server, _stop.Token);
            await using var server = new NetworkStream(socket);
            await Task.WhenAny(secure.CopyToAsync(server, _stop.Token), server.CopyToAsync(secure, _stop.Token));
        }
        catch (Exception e)
            when (e
                    is IOException
                        or SocketException
                        or OperationCanceledException
                        or ObjectDisposedException
                        or System.Security.Authentication.AuthenticationException
            )
        {
            // The client goes, as one does that does not trust the certificate
        }
    }
}
