using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Generation.Contracts;

namespace Generation.Faces.Tests.A1111;

/// <summary>The key is the password of Basic authentication; pictures are base64, and "info" is a text with JSON.</summary>
public abstract class A1111Tests : FaceTests
{
    private protected const string Text2Img = "/sdapi/v1/txt2img";
    private protected const string Img2Img = "/sdapi/v1/img2img";
    private protected const string Options = "/sdapi/v1/options";

    private protected override HttpClient ClientOf(FaceUser user) => ClientOf(Api, user);

    private protected static HttpClient ClientOf(FaceApi api, FaceUser user)
    {
        HttpClient client = api.Client();
        client.DefaultRequestHeaders.Authorization = Basic("user", user.Key);
        return client;
    }

    private protected static AuthenticationHeaderValue Basic(string name, string password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));

    /// <summary>Calls, and returns the answer's JSON after its status was looked at.</summary>
    private protected Task<JsonElement> PostAsync(string path, string body, int status = 200) => PostAsync(Client, path, body, status);

    private protected static async Task<JsonElement> PostAsync(HttpClient client, string path, string body, int status = 200)
    {
        FaceAnswer answer = await client.SendAsync(path, body);
        Assert.That((int)answer.Status, Is.EqualTo(status), answer.Json.ToString());
        return answer.Json;
    }

    private protected Task<JsonElement> PostAsync(string path, object body, int status = 200) =>
        PostAsync(path, JsonSerializer.Serialize(body), status);

    private protected Task<JsonElement> GetAsync(string path) => GetAsync(Client, path);

    private protected static async Task<JsonElement> GetAsync(HttpClient client, string path) =>
        await JsonAsync(await client.GetAsync(path, FaceStack.Limit()), 200);

    private protected static byte[] Picture(JsonElement answer, int index = 0) => answer.GetProperty("images")[index].GetBytesFromBase64();

    private protected static JsonElement Info(JsonElement answer) =>
        JsonDocument.Parse(answer.GetProperty("info").GetString()!).RootElement;

    private protected static string[] Warnings(JsonElement answer) =>
        [.. Info(answer).GetProperty("warnings").EnumerateArray().Select(w => w.GetString()!)];

    /// <summary>What a user's newest job was asked to do.</summary>
    private protected async Task<T> NewestAsync<T>(FaceUser? user = null)
        where T : JobRequest => (T)(await Api.JobsAsync(user ?? User))[0].Request!;

    private protected static string Base64(byte[] bytes) => Convert.ToBase64String(bytes);
}
