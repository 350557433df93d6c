using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Generation.Client;

/// <summary>
/// Sends calls and reads their answers. A call that did not arrive, or that the server could not do now, is made again; so each call must
/// be one that may be made twice.
/// </summary>
internal sealed class Transport : IDisposable
{
    private static readonly HttpStatusCode[] Passing =
    [
        HttpStatusCode.TooManyRequests,
        HttpStatusCode.BadGateway,
        HttpStatusCode.ServiceUnavailable,
        HttpStatusCode.GatewayTimeout,
    ];

    private readonly HttpClient _http;
    private readonly bool _ownsHttp;
    private readonly Uri _address;
    private readonly string? _key;
    private readonly GenerationClientOptions _options;
    private readonly ResiliencePipeline<HttpResponseMessage> _pipeline;

    /// <param name="address">The server's.</param>
    /// <param name="key">An API key; null for calls that need none.</param>
    /// <param name="options">How to call.</param>
    /// <param name="http">What sends; null: one of its own.</param>
    public Transport(Uri address, string? key, GenerationClientOptions options, HttpClient? http)
    {
        if (!address.IsAbsoluteUri || address.Scheme is not ("http" or "https"))
        {
            throw new ArgumentException(
                $"The server's address must begin with http:// or https://, and \"{address}\" does not.",
                nameof(address)
            );
        }

        // Of a relative address the last part would replace the base's
        _address = address.AbsoluteUri.EndsWith('/') ? address : new Uri(address.AbsoluteUri + "/");
        _key = key;
        _options = options;
        _ownsHttp = http is null;
        // The pipeline has the limits: an answer that lasts, as a job's events do, would run into the client's own
        _http = http ?? new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        _pipeline = Pipeline(options);
    }

    public static JsonSerializerOptions Json { get; } =
        new(JsonSerializerDefaults.Web)
        {
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Converters = { new JsonStringEnumConverter() },
        };

    public TimeSpan IdleTimeout => _options.IdleTimeout;

    /// <summary>The whole of an address that the server gave: it may be a path on the server's own.</summary>
    public Uri Whole(string path) =>
        Uri.TryCreate(path, UriKind.Absolute, out Uri? whole) && whole.Scheme is "http" or "https"
            ? whole
            : new Uri(_address, path.TrimStart('/'));

    /// <summary>Sends a call and reads its JSON.</summary>
    /// <exception cref="GenerationException">The server refused it.</exception>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    public async Task<T> ReadAsync<T>(HttpMethod method, string path, Func<HttpContent?>? content, string? once, CancellationToken token)
    {
        using HttpResponseMessage answer = await SendAsync(
            method,
            path,
            content,
            request =>
            {
                if (once is not null)
                {
                    request.Headers.Add("Idempotency-Key", once);
                }
            },
            token
        );
        await using Stream body = await BodyAsync(answer, token);
        return await JsonSerializer.DeserializeAsync<T>(body, Json, token)
            ?? throw new GenerationException(answer.StatusCode, "The server answered with nothing.", null, null);
    }

    /// <summary>The body of an answer, each read of which has a limit of time.</summary>
    public async Task<Stream> BodyAsync(HttpResponseMessage answer, CancellationToken token) =>
        new IdleLimitedStream(await answer.Content.ReadAsStreamAsync(token), IdleTimeout);

    /// <summary>Sends a call; its answer's body is not read yet. The caller disposes it.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">On the server's address, or a whole address. Another server gets no key.</param>
    /// <param name="content">Makes the body anew for each attempt; null for none.</param>
    /// <param name="prepare">Adds to the headers.</param>
    /// <param name="token">Ends the call.</param>
    /// <exception cref="GenerationException">The server refused it.</exception>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        Func<HttpContent?>? content,
        Action<HttpRequestMessage>? prepare,
        CancellationToken token
    )
    {
        Uri address = Whole(path);
        HttpResponseMessage answer;
        try
        {
            answer = await _pipeline.ExecuteAsync(
                async attempt =>
                {
                    using var request = new HttpRequestMessage(method, address) { Content = content?.Invoke() };
                    if (_key is not null && IsOwn(address))
                    {
                        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _key);
                    }

                    prepare?.Invoke(request);
                    return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, attempt);
                },
                token
            );
        }
        catch (TimeoutRejectedException e)
        {
            throw new TimeoutException($"{address.Authority} did not answer within {e.Timeout.TotalSeconds:0} s.", e);
        }

        if (answer.IsSuccessStatusCode)
        {
            return answer;
        }

        using (answer)
        {
            throw await RefusalAsync(answer, token);
        }
    }

    public void Dispose()
    {
        if (_ownsHttp)
        {
            _http.Dispose();
        }
    }

    /// <summary>Whether an address is the server's, by the same scheme: the key goes nowhere else.</summary>
    private bool IsOwn(Uri address) => address.GetLeftPart(UriPartial.Authority) == _address.GetLeftPart(UriPartial.Authority);

    private ResiliencePipeline<HttpResponseMessage> Pipeline(GenerationClientOptions options)
    {
        var pipeline = new ResiliencePipelineBuilder<HttpResponseMessage>();
        if (options.Retries > 0)
        {
            pipeline.AddRetry(
                new RetryStrategyOptions<HttpResponseMessage>
                {
                    MaxRetryAttempts = options.Retries,
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = TimeSpan.FromMilliseconds(500),
                    MaxDelay = options.LongestDelay,
                    UseJitter = true,
                    ShouldHandle = async arguments =>
                        arguments.Outcome switch
                        {
                            { Exception: HttpRequestException or TimeoutRejectedException or IOException } => true,
                            { Result: { } answer } => RetryAfter(answer) is not { } wait || wait <= options.LongestDelay
                                ? Passing.Contains(answer.StatusCode) || await IsInFlightAsync(answer, arguments.Context.CancellationToken)
                                : false,
                            _ => false,
                        },
                    DelayGenerator = arguments => ValueTask.FromResult(arguments.Outcome.Result is { } answer ? RetryAfter(answer) : null),
                    OnRetry = arguments =>
                    {
                        arguments.Outcome.Result?.Dispose();
                        return ValueTask.CompletedTask;
                    },
                }
            );
        }

        return pipeline.AddTimeout(options.Timeout).Build();
    }

    /// <summary>Whether the same call, made before, is still being worked on: its answer comes soon.</summary>
    private async Task<bool> IsInFlightAsync(HttpResponseMessage answer, CancellationToken token) =>
        answer.StatusCode == HttpStatusCode.Conflict && (await ProblemAsync(answer, token))?.Code == "idempotency_in_flight";

    /// <summary>No problem has more bytes.</summary>
    private const int Most = 1 << 20;

    private static TimeSpan? RetryAfter(HttpResponseMessage answer) =>
        answer.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - DateTimeOffset.UtcNow is { Ticks: > 0 } wait ? wait : TimeSpan.Zero,
            _ => null,
        };

    private async Task<GenerationException> RefusalAsync(HttpResponseMessage answer, CancellationToken token)
    {
        Problem? problem = await ProblemAsync(answer, token);
        IEnumerable<string> fields = problem?.Errors?.Select(error => $"{error.Key}: {string.Join(' ', error.Value)}") ?? [];
        string text = problem?.Detail ?? problem?.Title ?? answer.ReasonPhrase ?? "";
        return new GenerationException(
            answer.StatusCode,
            string.Join(' ', fields.Prepend($"{(int)answer.StatusCode}: {text}")),
            problem,
            RetryAfter(answer)
        );
    }

    /// <summary>The problem document of an answer, which may be read again; null where the answer has none.</summary>
    private async Task<Problem?> ProblemAsync(HttpResponseMessage answer, CancellationToken token)
    {
        if (answer.Content.Headers.ContentType?.MediaType is not ("application/problem+json" or "application/json"))
        {
            return null;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(_options.IdleTimeout);
        try
        {
            await answer.Content.LoadIntoBufferAsync(Most, limit.Token);
            return await answer.Content.ReadFromJsonAsync<Problem>(Json, limit.Token) is { Code: not null } problem ? problem : null;
        }
        catch (Exception e)
            when (e is JsonException or HttpRequestException or IOException
                || (e is OperationCanceledException && !token.IsCancellationRequested)
            )
        {
            // Not the server's own, but a proxy's, say; or longer than any of the server's, or it broke off. The status says enough
            return null;
        }
    }
}
