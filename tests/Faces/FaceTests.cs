using System.Net;
using System.Text.Json;

namespace Generation.Faces.Tests;

/// <summary>
/// Tests of one face: a new user of the API that most share, and a client that sends this user's key as the face takes it.
/// </summary>
public abstract class FaceTests
{
    private protected FaceApi Api { get; private set; } = null!;

    private protected FaceUser User { get; private set; } = null!;

    private protected HttpClient Client { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        Api = (await StackAsync()).Api;
        User = await Api.NewUserAsync();
        Client = ClientOf(User);
    }

    [OneTimeTearDown]
    public void Stop() => Client.Dispose();

    private protected virtual Task<FaceStack> StackAsync() => FaceStack.GetAsync();

    private protected virtual HttpClient ClientOf(FaceUser user) => Api.Client(user);

    private protected static async Task<JsonElement> JsonAsync(HttpResponseMessage answer, int status)
    {
        string text = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo((HttpStatusCode)status), text);
        return JsonDocument.Parse(text).RootElement;
    }
}
