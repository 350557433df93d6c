using System.Net;
using Generation.Contracts;

namespace Generation.Api.Tests;

/// <summary>Pages of other addresses: those that the setting names, and any for what a signed address gives.</summary>
public sealed class CorsTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() =>
        _api = await ApiScope.CreateAsync(("Cors:Origins", "https://app.example.org, https://other.example.org"));

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [TestCase("https://app.example.org", "/v1/models", "https://app.example.org")]
    [TestCase("https://other.example.org", "/v1/jobs/JOB", "https://other.example.org")]
    [TestCase("https://stranger.example.org", "/v1/models", null)]
    [TestCase("https://stranger.example.org", "/v1/jobs/JOB", null)]
    [TestCase("https://app.example.org", "/v1/nothing", "https://app.example.org")]
    [TestCase("https://app.example.org", "/v1/images/generations", "https://app.example.org")]
    [TestCase("https://stranger.example.org", "SIGNED", "*")]
    public async Task Get_FromAPage_IsAllowedWhereTheOriginIs(string origin, string path, string? allowed)
    {
        using HttpResponseMessage answer = await SendAsync(_api.Client, HttpMethod.Get, await PathAsync(path), origin);

        Assert.That(AllowedBy(answer), Is.EqualTo(allowed));
        Assert.That(answer.Headers.Contains("Access-Control-Allow-Credentials"), Is.False);
    }

    [Test]
    public async Task Preflight_OfAnAllowedPage_AllowsMethodAndHeaders()
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, "/v1/text2img");
        request.Headers.Add("Origin", "https://app.example.org");
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "authorization,idempotency-key");

        using HttpResponseMessage answer = await _api.ClientWith(null).SendAsync(request);

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(AllowedBy(answer), Is.EqualTo("https://app.example.org"));
        Assert.That(answer.Headers.GetValues("Access-Control-Allow-Methods"), Has.One.Contains("POST"));
        Assert.That(answer.Headers.GetValues("Access-Control-Allow-Headers"), Has.One.Contains("idempotency-key"));
    }

    [Test]
    public async Task Get_WithoutTheSetting_IsAllowedForSignedAddressesAlone()
    {
        await using ApiScope api = await ApiScope.CreateAsync();
        JobDocument job = await api.SubmitAsync();
        await api.FinishAsync(job.Id);
        string signed = (await api.PollAsync(job.Id)).Outputs[0].Url;

        using HttpResponseMessage models = await SendAsync(api.Client, HttpMethod.Get, "/v1/models", "https://app.example.org");
        using HttpResponseMessage output = await SendAsync(api.ClientWith(null), HttpMethod.Get, signed, "https://app.example.org");

        Assert.That(AllowedBy(models), Is.Null);
        Assert.That(AllowedBy(output), Is.EqualTo("*"));
        Assert.That(output.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("example.org")]
    [TestCase("https://example.org/page")]
    [TestCase("ftp://example.org")]
    public void Start_NoOrigin_Fails(string origins) =>
        Assert.That(
            async () => await ApiScope.CreateAsync(("Cors:Origins", origins)),
            Throws.Exception.With.Message.Contains("Cors:Origins")
        );

    private async Task<string> PathAsync(string path)
    {
        if (!path.Contains("JOB", StringComparison.Ordinal) && path != "SIGNED")
        {
            return path;
        }

        JobDocument job = await _api.SubmitAsync();
        await _api.FinishAsync(job.Id);
        return path == "SIGNED" ? (await _api.PollAsync(job.Id)).Outputs[0].Url : path.Replace("JOB", job.Id.ToString());
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string path, string origin)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Origin", origin);
        return await client.SendAsync(request);
    }

    private static string? AllowedBy(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Access-Control-Allow-Origin", out IEnumerable<string>? values) ? values.Single() : null;
}
