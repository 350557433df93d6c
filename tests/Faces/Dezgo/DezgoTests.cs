using System.Net;
using System.Text;
using System.Text.Json;

namespace Generation.Faces.Tests.Dezgo;

/// <summary>Keys travel in a header, and answers are pictures.</summary>
public abstract class DezgoTests : FaceTests
{
    private protected override HttpClient ClientOf(FaceUser user)
    {
        HttpClient client = Api.Client();
        client.DefaultRequestHeaders.Add("X-Dezgo-Key", user.Key);
        return client;
    }

    private protected Task<HttpResponseMessage> PostAsync(string function, string body) =>
        Client.PostAsync($"/faces/dezgo/{function}", new StringContent(body, Encoding.UTF8, "application/json"), FaceStack.Limit());

    private protected static async Task<byte[]> PictureAsync(HttpResponseMessage answer)
    {
        byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
        Assert.That(
            answer.StatusCode,
            Is.EqualTo(HttpStatusCode.OK),
            Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 1000)))
        );
        return bytes;
    }

    private protected static string Header(HttpResponseMessage answer, string name) => answer.Headers.GetValues(name).Single();

    private protected static async Task<string> MessageAsync(HttpResponseMessage answer, int status)
    {
        string text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo((HttpStatusCode)status), text);
        return JsonDocument.Parse(text).RootElement.GetProperty("message").GetString()!;
    }
}
