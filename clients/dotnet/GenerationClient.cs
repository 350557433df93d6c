using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Generation.Client;

/// <summary>
/// Calls a Generation server. It may be used by many threads at a time, and is best kept as long as the program runs.
/// </summary>
/// <remarks>
/// Calls that did not arrive, or that the server could not do now, are made again (<see cref="GenerationClientOptions"/>). A submission
/// that is made again makes no second job. A call throws <see cref="GenerationException"/> where the server refuses it,
/// <see cref="HttpRequestException"/> where the server cannot be reached, and <see cref="TimeoutException"/> where it does not answer.
/// </remarks>
public sealed partial class GenerationClient : IDisposable
{
    private readonly Transport _transport;

    /// <summary>How the types of this library are written as JSON, and read.</summary>
    public static JsonSerializerOptions Json => Transport.Json;

    /// <param name="address">The server's address, such as http://localhost:8080.</param>
    /// <param name="key">An API key; null for the few calls that need none.</param>
    /// <param name="options">How to call; null: as <see cref="GenerationClientOptions"/> says.</param>
    /// <param name="http">What sends the calls, with a timeout of its own; null: one that this client makes and disposes.</param>
    public GenerationClient(Uri address, string? key, GenerationClientOptions? options = null, HttpClient? http = null) =>
        _transport = new Transport(address, key, options ?? new GenerationClientOptions(), http);

    /// <summary>Submits a job, and returns it as it waits for a worker.</summary>
    /// <param name="request">What it is to do.</param>
    /// <param name="idempotencyKey">
    /// Calls with the same key and request are one: they make one job. Null: a new key, so that every call makes a job of its own.
    /// </param>
    /// <param name="token">Ends the call.</param>
    public Task<Job> SubmitAsync(IJobRequest request, string? idempotencyKey = null, CancellationToken token = default) =>
        SubmitAsync(request.Kind, Content(request), idempotencyKey, token);

    /// <summary>Submits a job whose fields are given by their names on the wire.</summary>
    /// <param name="kind">text2img, img2img, ...</param>
    /// <param name="request">The fields.</param>
    /// <param name="idempotencyKey">As above.</param>
    /// <param name="token">Ends the call.</param>
    public Task<Job> SubmitAsync(string kind, JsonObject request, string? idempotencyKey = null, CancellationToken token = default) =>
        SubmitAsync(kind, Content(request), idempotencyKey, token);

    /// <summary>What a request would cost and how long it would take. Nothing is made of it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="token">Ends the call.</param>
    public Task<Estimate> EstimateAsync(IJobRequest request, CancellationToken token = default) =>
        EstimateAsync(request.Kind, Content(request), token);

    /// <summary>What a request, given by its fields' names on the wire, would cost and how long it would take.</summary>
    /// <param name="kind">text2img, img2img, ...</param>
    /// <param name="request">The fields.</param>
    /// <param name="token">Ends the call.</param>
    public Task<Estimate> EstimateAsync(string kind, JsonObject request, CancellationToken token = default) =>
        EstimateAsync(kind, Content(request), token);

    /// <summary>Submits a job and waits until it has succeeded.</summary>
    /// <param name="request">What it is to do.</param>
    /// <param name="progress">Is told what is new.</param>
    /// <param name="token">Ends the wait; the job itself goes on, see <see cref="CancelAsync"/>.</param>
    /// <exception cref="JobException">The job failed, was cancelled or expired.</exception>
    public async Task<Job> RunAsync(IJobRequest request, IProgress<JobEvent>? progress = null, CancellationToken token = default)
    {
        Job submitted = await SubmitAsync(request, null, token);
        Job ended = await WaitAsync(submitted.Id, progress, token);
        return ended.State == JobState.Succeeded ? ended : throw new JobException(ended);
    }

    /// <summary>A job as it is now.</summary>
    /// <param name="id">The job's id.</param>
    /// <param name="token">Ends the call.</param>
    public Task<Job> JobAsync(Guid id, CancellationToken token = default) =>
        _transport.ReadAsync<Job>(HttpMethod.Get, $"v1/jobs/{id}", null, null, token);

    /// <summary>The account's jobs, the newest first. Further pages are fetched as they are read.</summary>
    /// <param name="state">Only those in this state.</param>
    /// <param name="kind">Only those of this kind, by its name on the wire.</param>
    /// <param name="model">Only those of this model.</param>
    /// <param name="token">Ends the reading.</param>
    public async IAsyncEnumerable<Job> JobsAsync(
        JobState? state = null,
        string? kind = null,
        string? model = null,
        [EnumeratorCancellation] CancellationToken token = default
    )
    {
        string filters = string.Concat(Filter("state", state?.ToString().ToLowerInvariant()), Filter("kind", kind), Filter("model", model));
        string? cursor = null;
        do
        {
            PageOfJob page = await _transport.ReadAsync<PageOfJob>(
                HttpMethod.Get,
                $"v1/jobs?limit=50{filters}{Filter("cursor", cursor)}",
                null,
                null,
                token
            );
            foreach (Job job in page.Data)
            {
                yield return job;
            }

            cursor = page.NextCursor;
        } while (cursor is not null);

        static string Filter(string name, string? value) => value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";
    }

    /// <summary>Stops a job. One that runs stops at its next step; what was not used is not charged.</summary>
    /// <param name="id">The job's id.</param>
    /// <param name="token">Ends the call.</param>
    public Task<Job> CancelAsync(Guid id, CancellationToken token = default) =>
        _transport.ReadAsync<Job>(HttpMethod.Post, $"v1/jobs/{id}/cancel", null, null, token);

    /// <summary>Brings in a picture. Requests can name it by its id until it expires.</summary>
    /// <param name="picture">A PNG, JPEG or WebP file.</param>
    /// <param name="token">Ends the call.</param>
    public Task<Upload> UploadAsync(ReadOnlyMemory<byte> picture, CancellationToken token = default) =>
        _transport.ReadAsync<Upload>(HttpMethod.Post, "v1/uploads", () => new ReadOnlyMemoryContent(picture), null, token);

    /// <summary>The models and what each can do.</summary>
    /// <param name="token">Ends the call.</param>
    public async Task<IReadOnlyList<ModelInfo>> ModelsAsync(CancellationToken token = default) =>
        (await _transport.ReadAsync<ModelList>(HttpMethod.Get, "v1/models", null, null, token)).Data;

    /// <summary>How many tokens a model reads of a prompt, and what it cuts.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="request">The prompts.</param>
    /// <param name="token">Ends the call.</param>
    public Task<TokenCounts> TokensAsync(string model, TokensRequest request, CancellationToken token = default) =>
        _transport.ReadAsync<TokenCounts>(
            HttpMethod.Post,
            $"v1/models/{Uri.EscapeDataString(model)}/tokens",
            Content(request),
            null,
            token
        );

    /// <summary>The account of the key: its credits and limits.</summary>
    /// <param name="token">Ends the call.</param>
    public Task<Account> AccountAsync(CancellationToken token = default) =>
        _transport.ReadAsync<Account>(HttpMethod.Get, "v1/account", null, null, token);

    /// <summary>How busy the server is.</summary>
    /// <param name="token">Ends the call.</param>
    public Task<Load> LoadAsync(CancellationToken token = default) =>
        _transport.ReadAsync<Load>(HttpMethod.Get, "v1/system/load", null, null, token);

    /// <summary>Makes any other call that may be made twice.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">On the server's address, with its query.</param>
    /// <param name="body">The JSON body; null for none.</param>
    /// <param name="token">Ends the call.</param>
    public Task<JsonNode> CallAsync(HttpMethod method, string path, JsonObject? body = null, CancellationToken token = default) =>
        _transport.ReadAsync<JsonNode>(method, path, body is null ? null : Content(body), null, token);

    /// <summary>The whole of an address that the server gave, such as an output's.</summary>
    /// <param name="path">An address, or a path on the server's.</param>
    public Uri AddressOf(string path) => _transport.Whole(path);

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();

    private static Func<HttpContent?> Content(object body) =>
        () => JsonContent.Create(body, body.GetType(), new MediaTypeHeaderValue("application/json"), Transport.Json);

    private Task<Job> SubmitAsync(string kind, Func<HttpContent?> content, string? idempotencyKey, CancellationToken token) =>
        _transport.ReadAsync<Job>(
            HttpMethod.Post,
            $"v1/{kind}",
            content,
            idempotencyKey ?? Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture),
            token
        );

    private Task<Estimate> EstimateAsync(string kind, Func<HttpContent?> content, CancellationToken token) =>
        _transport.ReadAsync<Estimate>(HttpMethod.Post, $"v1/{kind}/estimate", content, null, token);
}
