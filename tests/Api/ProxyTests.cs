using System.Net.Http.Headers;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Tests;

/// <summary>What a proxy says of a request is believed of those proxies that are named, and of no other.</summary>
public sealed class ProxyTests
{
    [TestCase("127.0.0.1")]
    [TestCase("10.0.0.0/8, 127.0.0.0/8")]
    public async Task Call_FromAKnownProxy_IsItsClients(string known)
    {
        await using ApiScope api = await ApiScope.OnAPortAsync(("Proxies:Known", known), ("UnknownKeys:PerMinute", "1"));
        await UseUpAsync(api, "203.0.113.7");

        Assert.That(await StatusOfUnknownAsync(api, "203.0.113.7"), Is.EqualTo(429));
        Assert.That(await StatusOfUnknownAsync(api, "203.0.113.8"), Is.EqualTo(401), "another client of the proxy's");
        Assert.That(
            await StatusOfUnknownAsync(api, "203.0.113.8, 203.0.113.7"),
            Is.EqualTo(429),
            "what a client says of itself is not believed"
        );
        Assert.That(await StatusOfUnknownAsync(api, "203.0.113.7, 127.0.0.1"), Is.EqualTo(429), "one known proxy behind another");
    }

    [TestCase("")]
    [TestCase("10.0.0.0/8")]
    public async Task Call_FromAnyoneElse_IsTheirOwn(string known)
    {
        await using ApiScope api = await ApiScope.OnAPortAsync(("Proxies:Known", known), ("UnknownKeys:PerMinute", "1"));
        await UseUpAsync(api, "203.0.113.7");

        Assert.That(await StatusOfUnknownAsync(api, "203.0.113.8"), Is.EqualTo(429));
    }

    [TestCase("127.0.0.1", "https://pictures.example")]
    [TestCase("", null)]
    public async Task Answer_WithAddresses_HasThoseThatTheClientCalled(string known, string? expected)
    {
        await using ApiScope api = await ApiScope.OnAPortAsync(("Proxies:Known", known));
        JobDocument job = await api.SubmitAsync();
        await api.FinishAsync(job.Id);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/image/generation/outputs");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Add("X-Forwarded-Host", "pictures.example");
        request.Headers.Add("X-Forwarded-For", "203.0.113.7");

        using HttpResponseMessage answer = await api.Client.SendAsync(request);

        string text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), text);
        string[] urls = [.. Urls(JsonSerializer.Deserialize<JsonElement>(text))];
        Assert.That(urls, Is.Not.Empty);
        Assert.That(urls, Is.All.StartWith((expected ?? api.Address.GetLeftPart(UriPartial.Authority)) + "/"));
        // The signed address is good where it leads to
        using HttpClient anyone = api.ClientWith(null);
        using HttpResponseMessage file = await anyone.GetAsync(new Uri(urls[0]).PathAndQuery);
        Assert.That((int)file.StatusCode, Is.EqualTo(200));
    }

    [Test]
    public async Task Readyz_ByAProxyOfThisMachine_TellsAStrangerNothing()
    {
        await using ApiScope api = await ApiScope.OnAPortAsync(("Proxies:Known", "127.0.0.1"));
        foreach ((string? forwarded, bool toldAll) in new[] { (null, true), ("203.0.113.7", false), ("127.0.0.1", false) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
            if (forwarded is not null)
            {
                request.Headers.Add("X-Forwarded-For", forwarded);
            }

            using HttpClient anyone = api.ClientWith(null);
            using HttpResponseMessage answer = await anyone.SendAsync(request);
            Assert.That((await answer.Content.ReadAsStringAsync()).Contains("db_client"), Is.EqualTo(toldAll), forwarded);
        }
    }

    [TestCase("somewhere")]
    [TestCase("10.0.0.0/40")]
    public void Start_ProxiesThatAreNone_SaysHowTheyAreWritten(string known) =>
        Assert.That(
            async () => await ApiScope.CreateAsync(("Proxies:Known", known)),
            Throws.InstanceOf<OptionsValidationException>().With.Message.Contain("Proxies:Known")
        );

    private static IEnumerable<string> Urls(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => value
                .EnumerateObject()
                .SelectMany(m =>
                    m.Name.EndsWith("url", StringComparison.Ordinal) && m.Value.ValueKind == JsonValueKind.String
                        ? [m.Value.GetString()!]
                        : Urls(m.Value)
                ),
            JsonValueKind.Array => value.EnumerateArray().SelectMany(Urls),
            _ => [],
        };

    /// <summary>Sends unknown keys until the address may send no more; a window of a minute may end between two of them.</summary>
    private static async Task UseUpAsync(ApiScope api, string forwarded)
    {
        for (int i = 0; i < 20 && await StatusOfUnknownAsync(api, forwarded) != 429; i++)
        {
            // One more
        }
    }

    private static async Task<int> StatusOfUnknownAsync(ApiScope api, string forwarded)
    {
        using HttpClient client = api.ClientWith(null);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", ApiKey.New());
        request.Headers.Add("X-Forwarded-For", forwarded);
        using HttpResponseMessage answer = await client.SendAsync(request);
        return (int)answer.StatusCode;
    }
}
