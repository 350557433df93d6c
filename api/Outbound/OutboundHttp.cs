using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Sockets;

namespace Generation.Api.Outbound;

/// <summary>How addresses are called that callers name: configuration section "Outbound".</summary>
internal sealed record OutboundOptions
{
    public const string Section = "Outbound";

    /// <summary>
    /// Networks inside our own that callers may name besides all public addresses, as 10.0.5.0/24, with commas between them.
    /// They are for servers that every caller may reach.
    /// </summary>
    public string AllowedNetworks { get; init; } = "";

    /// <summary>The networks of <see cref="AllowedNetworks"/>, one by one.</summary>
    public string[] Networks => AllowedNetworks.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>The longest time, in seconds, that fetching a picture or delivering a webhook may take.</summary>
    [Range(1, 120)]
    public double TimeoutSeconds { get; init; } = 15;
}

/// <summary>Says why an address could not be called, to the caller who named it.</summary>
internal sealed class OutboundException(string message) : Exception(message);

/// <summary>
/// The HTTP client for addresses that callers name. The address is checked when connecting, after the name is resolved
/// and for each redirect anew, so that no name can lead inside; nothing of ours (proxy, cookies, credentials) goes along.
/// </summary>
internal sealed class OutboundHttp : IDisposable
{
    private const int MaxRedirects = 3;

    private readonly HttpClient _client;
    private readonly OutboundOptions _options;
    private readonly IPNetwork[] _allowed;

    public OutboundHttp(OutboundOptions options)
    {
        _options = options;
        _allowed = [.. options.Networks.Select(IPNetwork.Parse)];
        _client = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                UseCookies = false,
                AutomaticDecompression = DecompressionMethods.None,
                ConnectTimeout = TimeSpan.FromSeconds(5),
                MaxResponseHeadersLength = 32,
                PooledConnectionLifetime = TimeSpan.FromMinutes(1),
                ConnectCallback = ConnectAsync,
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("Generation/1.0");
    }

    public TimeSpan Limit => TimeSpan.FromSeconds(_options.TimeoutSeconds);

    /// <summary>
    /// Why an address can never be called, as the end of a sentence; null where it can: it is absolute, http or https, and has
    /// no user name.
    /// </summary>
    public static string? WhyNot(string address, out Uri? uri)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps))
        {
            return "must be an http or https address";
        }

        return uri.UserInfo.Length > 0 ? "must not hold a user name or password" : null;
    }

    /// <summary>Fetches the body at an address, which may have <paramref name="maxBytes"/> at most.</summary>
    /// <exception cref="OutboundException">The address is not allowed, does not answer, is too slow, or has too much.</exception>
    public async Task<byte[]> GetAsync(Uri address, long maxBytes, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            for (int redirects = 0; ; redirects++)
            {
                using HttpResponseMessage answer = await _client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, limit.Token);
                if (answer is { StatusCode: >= HttpStatusCode.Ambiguous and < HttpStatusCode.BadRequest, Headers.Location: { } location })
                {
                    if (redirects == MaxRedirects)
                    {
                        throw new OutboundException($"redirects more than {MaxRedirects} times");
                    }

                    // "////" is a relative address by its form, and leads to none
                    if (!Uri.TryCreate(address, location, out Uri? next))
                    {
                        throw new OutboundException("redirects to an address that is none");
                    }

                    if (WhyNot(next.AbsoluteUri, out _) is { } why)
                    {
                        throw new OutboundException($"redirects to an address that {why}");
                    }

                    address = next;
                    continue;
                }

                if (!answer.IsSuccessStatusCode)
                {
                    throw new OutboundException($"answered with {(int)answer.StatusCode}");
                }

                return await ReadAsync(answer, maxBytes, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new OutboundException($"did not answer within {Limit.TotalSeconds} s");
        }
        catch (HttpRequestException e)
        {
            throw e.InnerException as OutboundException ?? new OutboundException($"could not be reached ({e.HttpRequestError})");
        }
        catch (IOException)
        {
            throw new OutboundException("broke off in mid-answer");
        }
    }

    /// <summary>Sends one request, without following redirects. The caller disposes the answer; its body is not read.</summary>
    /// <exception cref="OutboundException">The address is not allowed, does not answer, or is too slow.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new OutboundException($"did not answer within {Limit.TotalSeconds} s");
        }
        catch (HttpRequestException e)
        {
            throw e.InnerException as OutboundException ?? new OutboundException($"could not be reached ({e.HttpRequestError})");
        }
    }

    public void Dispose() => _client.Dispose();

    private static async Task<byte[]> ReadAsync(HttpResponseMessage answer, long maxBytes, CancellationToken cancellationToken)
    {
        if (answer.Content.Headers.ContentLength > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        await using Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        using var all = new MemoryStream();
        byte[] chunk = new byte[1 << 16];
        int read;
        while ((read = await body.ReadAsync(chunk, cancellationToken)) > 0)
        {
            if (all.Length + read > maxBytes)
            {
                throw TooLarge(maxBytes);
            }

            all.Write(chunk, 0, read);
        }

        return all.ToArray();
    }

    private static OutboundException TooLarge(long maxBytes) => new($"has more than {maxBytes} bytes");

    private bool IsAllowed(IPAddress address) =>
        PublicAddresses.IsPublic(address)
        || _allowed.Any(network => network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));

    /// <summary>
    /// On a thread of its own: the system's resolver blocks the one that calls it, for as long as a name's servers are silent, and
    /// <see cref="Dns"/> would let it block those that all requests share.
    /// </summary>
    private static Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) =>
        IPAddress.TryParse(host, out IPAddress? address)
            ? Task.FromResult<IPAddress[]>([address])
            : Task
                .Factory.StartNew(
                    () => Dns.GetHostAddresses(host),
                    cancellationToken,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default
                )
                .WaitAsync(cancellationToken);

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await ResolveAsync(context.DnsEndPoint.Host, cancellationToken);
        IPAddress[] allowed = [.. addresses.Where(IsAllowed)];
        if (allowed.Length == 0)
        {
            throw new OutboundException("leads to an address that is not public");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // To the addresses that were checked, not to the name again
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
