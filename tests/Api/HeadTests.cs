using System.Net;
using Generation.Contracts;

namespace Generation.Api.Tests;

/// <summary>HEAD answers as GET does, without the body, wherever GET only reads.</summary>
public sealed class HeadTests
{
    private ApiScope _api = null!;
    private JobDocument _job = null!;

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.OnAPortAsync();
        JobDocument job = await _api.SubmitAsync();
        await _api.FinishAsync(job.Id);
        _job = await _api.PollAsync(job.Id);
    }

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [TestCase("/healthz")]
    [TestCase("/readyz")]
    [TestCase("/metrics")]
    [TestCase("/v1/models")]
    [TestCase("/v1/models/demo")]
    [TestCase("/v1/schedulers")]
    [TestCase("/v1/system/load")]
    [TestCase("/v1/account")]
    [TestCase("/v1/jobs")]
    [TestCase("/v1/jobs/JOB")]
    [TestCase("/v1/jobs/JOB/events")]
    [TestCase("/v1/jobs/JOB/outputs/0")]
    [TestCase("/v1/jobs/JOB/outputs/0/thumbnail")]
    [TestCase("/v1/jobs/JOB/outputs/7")]
    [TestCase("/v1/nothing")]
    [TestCase("/v1/webhooks/deliveries")]
    [TestCase("/openapi/v1.json")]
    [TestCase("/docs/index.html")]
    [TestCase("/faces/dezgo/info")]
    [TestCase("/v1/credits")]
    [TestCase("/v1/image/models")]
    public async Task Head_WhereGetIs_AnswersTheSameWithoutABody(string path)
    {
        path = path.Replace("JOB", _job.Id.ToString());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var get = new HttpRequestMessage(HttpMethod.Get, path);
        using HttpResponseMessage got = await _api.Client.SendAsync(get, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        using var head = new HttpRequestMessage(HttpMethod.Head, path);
        using HttpResponseMessage told = await _api.Client.SendAsync(head, limit.Token);

        Assert.That(told.StatusCode, Is.EqualTo(got.StatusCode));
        Assert.That(told.Content.Headers.ContentType, Is.EqualTo(got.Content.Headers.ContentType));
        Assert.That(told.Headers.ETag, Is.EqualTo(got.Headers.ETag));
        Assert.That((await told.Content.ReadAsByteArrayAsync(limit.Token)).Length, Is.Zero);
        if (got.Content.Headers.ContentLength is { } length)
        {
            Assert.That(told.Content.Headers.ContentLength, Is.EqualTo(length));
        }
    }

    [Test]
    public async Task Head_SignedAddressWithoutAKey_IsAnswered()
    {
        using HttpClient stranger = _api.ClientWith(null);
        using var head = new HttpRequestMessage(HttpMethod.Head, _job.Outputs[0].Url);

        using HttpResponseMessage told = await stranger.SendAsync(head);

        Assert.That(told.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(told.Content.Headers.ContentLength, Is.EqualTo(_job.Outputs[0].Bytes));
    }

    [TestCase("/v1/text2img")]
    [TestCase("/faces/dezgo/text2image?prompt=a")]
    [TestCase("/api/v6/images/text2img?prompt=a")]
    [TestCase("/api/v1/images/generation?prompt=a")]
    public async Task Head_WhereARequestWouldMakeAJob_IsNotAllowedAndMakesNone(string path)
    {
        using HttpClient client = await _api.ClientOfNewAccountAsync(10);
        using var head = new HttpRequestMessage(HttpMethod.Head, path);

        using HttpResponseMessage told = await client.SendAsync(head);

        // ModelsLab's own status for what it does not know is 405, too
        Assert.That(told.StatusCode, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
        Assert.That(await client.GetStringAsync("/v1/jobs"), Does.Contain("\"data\":[]"));
    }
}
