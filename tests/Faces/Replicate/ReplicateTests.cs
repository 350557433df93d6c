using System.Text.Json;
using Generation.Contracts;

namespace Generation.Faces.Tests.Replicate;

/// <summary>The token is a bearer key; answers are predictions.</summary>
public abstract class ReplicateTests : FaceTests
{
    private protected const string Base = "/replicate/v1";
    private protected const string Predictions = Base + "/predictions";

    /// <summary>A request that takes a small machine little time.</summary>
    private protected static object Small(string prompt = "a red apple", int steps = 3) =>
        new
        {
            prompt,
            width = 64,
            height = 64,
            num_inference_steps = steps,
        };

    private protected static string Of(string model) => $"{Base}/models/{model}/predictions";

    /// <summary>Creates a prediction, and returns the answer's JSON after its status was looked at.</summary>
    private protected Task<JsonElement> CreateAsync(string path, object body, int status = 201, params (string, string)[] headers) =>
        CreateAsync(Client, path, JsonSerializer.Serialize(body), status, headers);

    private protected static async Task<JsonElement> CreateAsync(
        HttpClient client,
        string path,
        string body,
        int status = 201,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
        request.Content.Headers.ContentType = null;
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await JsonAsync(await client.SendAsync(request, FaceStack.Limit()), status);
    }

    /// <summary>Creates a prediction and waits for its end, however slow the machine is.</summary>
    private protected async Task<JsonElement> RunAsync(string path, object body)
    {
        JsonElement made = await CreateAsync(path, body, headers: ("Prefer", "wait=60"));
        return await EndAsync(made);
    }

    private protected async Task<JsonElement> EndAsync(JsonElement prediction)
    {
        CancellationToken limit = FaceStack.Limit();
        while (Text(prediction, "status") is "starting" or "processing")
        {
            await Task.Delay(100, limit);
            prediction = await GetAsync($"{Predictions}/{Text(prediction, "id")}");
        }

        return prediction;
    }

    private protected async Task<JsonElement> GetAsync(string path, int status = 200) =>
        await JsonAsync(await Client.GetAsync(path, FaceStack.Limit()), status);

    private protected static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    /// <summary>The bytes of an output, which is a data URI where the API's address is not https.</summary>
    private protected static byte[] Bytes(JsonElement output)
    {
        string uri = output.GetString()!;
        Assert.That(uri, Does.StartWith("data:image/"));
        return Convert.FromBase64String(uri[(uri.IndexOf(',') + 1)..]);
    }

    private protected static string DataUri(byte[] png) => "data:image/png;base64," + Convert.ToBase64String(png);

    /// <summary>What the user's newest job was asked to do.</summary>
    private protected async Task<T> NewestAsync<T>()
        where T : JobRequest => (T)(await Api.JobsAsync(User))[0].Request!;
}
