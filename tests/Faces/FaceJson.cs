using System.Net;
using System.Text;
using System.Text.Json;

namespace Generation.Faces.Tests;

/// <summary>An answer with its JSON.</summary>
internal sealed record FaceAnswer(HttpStatusCode Status, JsonElement Json, HttpResponseMessage Message)
{
    public JsonElement this[string name] =>
        Json.TryGetProperty(name, out JsonElement value) ? value : throw new AssertionException($"There is no '{name}' in {Json}");

    public string Text(string name) => this[name].ToString();
}

/// <summary>Calls with bodies as clients write them.</summary>
internal static class FaceJson
{
    /// <summary>Sends a JSON text, with or without a content type.</summary>
    public static async Task<FaceAnswer> SendAsync(
        this HttpClient client,
        string path,
        string body,
        string? contentType = "application/json"
    )
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        if (contentType is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        return await ReadAsync(await client.PostAsync(path, content, FaceStack.Limit()));
    }

    /// <summary>Sends an object as JSON.</summary>
    public static Task<FaceAnswer> SendAsync(this HttpClient client, string path, object body) =>
        client.SendAsync(path, JsonSerializer.Serialize(body));

    public static async Task<FaceAnswer> SendAsync(this HttpClient client, string path, HttpContent body) =>
        await ReadAsync(await client.PostAsync(path, body, FaceStack.Limit()));

    public static async Task<FaceAnswer> FetchAsync(this HttpClient client, string path) =>
        await ReadAsync(await client.GetAsync(path, FaceStack.Limit()));

    private static async Task<FaceAnswer> ReadAsync(HttpResponseMessage message)
    {
        string text = await message.Content.ReadAsStringAsync();
        try
        {
            return new FaceAnswer(message.StatusCode, JsonSerializer.Deserialize<JsonElement>(text), message);
        }
        catch (JsonException e)
        {
            throw new AssertionException($"{(int)message.StatusCode}: not JSON: {text}", e);
        }
    }
}
