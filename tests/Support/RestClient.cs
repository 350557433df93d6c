using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;

namespace Generation.TestSupport;

/// <summary>The API refused a call. The message is its problem document in words.</summary>
public sealed class RestException(HttpStatusCode status, string message, JsonNode? problem) : Exception(message)
{
    public HttpStatusCode Status { get; } = status;

    public JsonNode? Problem { get; } = problem;

    public string? Code => Problem?["code"]?.GetValue<string>();
}

/// <summary>A client for the public REST interface.</summary>
public sealed class RestClient : IDisposable
{
    private readonly HttpClient _http;

    /// <param name="url">The address of the API.</param>
    /// <param name="key">The key to call it with; null for none.</param>
    /// <param name="timeout">How long a call may take; null: half a minute.</param>
    public RestClient(string url, string? key, TimeSpan? timeout = null)
    {
        _http = new HttpClient { BaseAddress = new Uri(url), Timeout = timeout ?? TimeSpan.FromSeconds(30) };
        if (key is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    public HttpClient Http => _http;

    public async Task<JobDocument> SubmitAsync(string kind, JsonObject request, CancellationToken token)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync($"/v1/{kind}", request, token);
        return await ReadAsync<JobDocument>(answer, token);
    }

    public async Task<JobDocument> JobAsync(JobId id, CancellationToken token)
    {
        using HttpResponseMessage answer = await _http.GetAsync(new Uri($"/v1/jobs/{id}", UriKind.Relative), token);
        return await ReadAsync<JobDocument>(answer, token);
    }

    public async Task CancelAsync(JobId id, CancellationToken token)
    {
        using HttpResponseMessage answer = await _http.DeleteAsync(new Uri($"/v1/jobs/{id}", UriKind.Relative), token);
        answer.EnsureSuccessStatusCode();
    }

    public async Task<byte[]> OutputAsync(JobOutputLink output, CancellationToken token)
    {
        var url = new Uri(output.Url, UriKind.RelativeOrAbsolute);
        // A whole address is another server's: it carries its own signature, and gets no key
        using HttpClient? other = url.IsAbsoluteUri ? new HttpClient { Timeout = _http.Timeout } : null;
        using HttpResponseMessage answer = await (other ?? _http).GetAsync(url, token);
        await ThrowIfRefusedAsync(answer, token);
        return await answer.Content.ReadAsByteArrayAsync(token);
    }

    /// <summary>Uploads a picture and returns its id, by which later requests can name it.</summary>
    public async Task<string> UploadAsync(byte[] picture, CancellationToken token)
    {
        using var body = new ByteArrayContent(picture);
        using HttpResponseMessage answer = await _http.PostAsync(new Uri("/v1/uploads", UriKind.Relative), body, token);
        return (string?)(await ReadAsync<JsonNode>(answer, token))["id"]
            ?? throw new RestException(answer.StatusCode, "The API answered without an id.", null);
    }

    /// <summary>An address that opens the page for people, signed in with this client's key; once, and soon.</summary>
    public async Task<Uri> PageLinkAsync(CancellationToken token)
    {
        using HttpResponseMessage answer = await _http.PostAsync(new Uri("/v1/session/links", UriKind.Relative), null, token);
        return new Uri(_http.BaseAddress!, (string)(await ReadAsync<JsonNode>(answer, token))["path"]!);
    }

    /// <summary>Gets any other resource, as JSON.</summary>
    public async Task<JsonNode?> GetAsync(string path, CancellationToken token)
    {
        using HttpResponseMessage answer = await _http.GetAsync(new Uri(path, UriKind.Relative), token);
        return await ReadAsync<JsonNode>(answer, token);
    }

    public void Dispose() => _http.Dispose();

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, CancellationToken token)
    {
        await ThrowIfRefusedAsync(answer, token);
        return await answer.Content.ReadFromJsonAsync<T>(WireJson.Options, token)
            ?? throw new RestException(answer.StatusCode, "The API answered with nothing.", null);
    }

    /// <summary>Throws an exception for an answer that is no success, with the text of its problem document.</summary>
    public static async Task ThrowIfRefusedAsync(HttpResponseMessage answer, CancellationToken token)
    {
        if (answer.IsSuccessStatusCode)
        {
            return;
        }

        string body = await answer.Content.ReadAsStringAsync(token);
        JsonNode? problem = null;
        try
        {
            problem = JsonNode.Parse(body);
        }
        catch (JsonException)
        {
            // Not ours: a proxy's page, say
        }

        IEnumerable<string> fields = problem?["errors"] is JsonObject errors
            ? errors.Select(error =>
                $"{error.Key}: {string.Join(" ", error.Value is JsonArray words ? words.Select(word => $"{word}") : [$"{error.Value}"])}"
            )
            : [];
        string detail = $"{problem?["detail"] ?? problem?["title"] ?? body}";
        throw new RestException(answer.StatusCode, string.Join(" ", fields.Prepend($"{(int)answer.StatusCode}: {detail}")), problem);
    }
}
