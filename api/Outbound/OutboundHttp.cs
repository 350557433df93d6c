using System.Buffers;
using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Sockets;
using Generation.Api.Web;

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
internal sealed class OutboundException(string message) : Exception(message)
{
    /// <summary>Whether it says nothing of the server at the address: it was not asked, for a reason of ours.</summary>
    public bool IsOurs { get; init; }
}

/// <summary>
/// The HTTP client for addresses that callers name. The address is checked when connecting, after the name is resolved
/// and for each redirect anew, so that no name can lead inside; nothing of ours (proxy, cookies, credentials) goes along.
/// </summary>
internal sealed class OutboundHttp : IDisposable
{
    private const int MaxRedirects = 3;
    private const int ChunkBytes = 1 << 16;

    private static readonly HttpRequestOptionsKey<Guid> Account = new("account");

    private readonly HttpClient _client;
    private readonly OutboundOptions _options;
    private readonly IPNetwork[] _allowed;
    private readonly NameResolver _names;

    public OutboundHttp(OutboundOptions options, Func<string, IPAddress[]>? look = null)
    {
        _options = options;
        _names = new NameResolver(look);
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

    /// <summary>Fetches the body at an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="account">Who named it.</param>
    /// <param name="maxBytes">The most bytes that the body may have.</param>
    /// <param name="share">From which the memory for it is taken.</param>
    /// <param name="cancellationToken">Ends the fetching.</param>
    /// <exception cref="OutboundException">The address is not allowed, does not answer, is too slow, or has too much.</exception>
    /// <exception cref="ProblemException">There is no memory left for the body.</exception>
    public async Task<byte[]> GetAsync(Uri address, Guid account, long maxBytes, BodyShare share, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            for (int redirects = 0; ; redirects++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                request.Options.Set(Account, account);
                using HttpResponseMessage answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
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

                return await ReadAsync(answer, maxBytes, share, limit.Token);
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
    /// <param name="request">The request.</param>
    /// <param name="account">Who named its address.</param>
    /// <param name="cancellationToken">Ends the sending.</param>
    /// <exception cref="OutboundException">The address is not allowed, does not answer, or is too slow.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Guid account, CancellationToken cancellationToken)
    {
        request.Options.Set(Account, account);
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

    public void Dispose()
    {
        _client.Dispose();
        _names.Dispose();
    }

    private static async Task<byte[]> ReadAsync(
        HttpResponseMessage answer,
        long maxBytes,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        long? length = answer.Content.Headers.ContentLength;
        if (length > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        await using Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var all = new BodyBuffer(length, share);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            int read;
            while ((read = await body.ReadAsync(chunk, cancellationToken)) > 0)
            {
                if (all.Count + read > maxBytes)
                {
                    throw TooLarge(maxBytes);
                }

                all.Add(chunk.AsSpan(0, read));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }

        return all.ToArray();
    }

    private static OutboundException TooLarge(long maxBytes) => new($"has more than {maxBytes} bytes");

    private bool IsAllowed(IPAddress address) =>
        PublicAddresses.IsPublic(address)
        || _allowed.Any(network => network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        context.InitialRequestMessage.Options.TryGetValue(Account, out Guid account);
        IPAddress[] addresses = await _names.ResolveAsync(context.DnsEndPoint.Host, account, cancellationToken);
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
