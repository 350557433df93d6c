using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Results;
using Microsoft.Extensions.Options;

namespace Generation.Api.Tests;

/// <summary>Addresses of outputs that need no key.</summary>
public sealed class OutputUrlTests
{
    private ApiScope _api = null!;
    private HttpClient _anyone = null!;
    private JobDocument _job = null!;
    private byte[] _bytes = null!;

    [OneTimeSetUp]
    public async Task FinishAJob()
    {
        _api = await ApiScope.CreateAsync();
        _anyone = _api.ClientWith(null);
        _job = await _api.SubmitAsync();
        _bytes = await _api.FinishAsync(_job.Id);
        var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (_job.State != JobState.Succeeded)
        {
            _job = await _api.PollAsync(_job.Id);
            await Task.Delay(20, limit.Token);
        }

        limit.Dispose();
    }

    [OneTimeTearDown]
    public async Task StopApi()
    {
        _anyone.Dispose();
        await _api.DisposeAsync();
    }

    [Test]
    public async Task Url_OfTheDocument_NeedsNoKey()
    {
        using HttpResponseMessage answer = await _anyone.GetAsync(_job.Outputs[0].Url);

        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(_bytes));
        Assert.That(_job.Outputs[0].UrlExpiresAt, Is.GreaterThan(DateTimeOffset.UtcNow.AddSeconds(3500)));
    }

    [Test]
    public async Task Url_OutputIsDeletedInMidDownload_Ends()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        JobDocument job = await _api.SubmitAsync();
        // More than lies on the way between the two
        byte[] large = RandomNumberGenerator.GetBytes(16 << 20);
        await _api.FinishAsync(job.Id, large);
        while (job.State != JobState.Succeeded)
        {
            job = await _api.PollAsync(job.Id);
            await Task.Delay(20, limit.Token);
        }

        using HttpResponseMessage answer = await _anyone.GetAsync(
            job.Outputs[0].Url,
            HttpCompletionOption.ResponseHeadersRead,
            limit.Token
        );
        await using Stream body = await answer.Content.ReadAsStreamAsync(limit.Token);
        await body.ReadExactlyAsync(new byte[1000], limit.Token);
        Assert.That(_api.Get<OpenAnswers>().Downloads, Is.EqualTo(1));

        using HttpResponseMessage deleted = await _api.Client.DeleteAsync($"/v1/jobs/{job.Id}/outputs", limit.Token);

        Assert.That(deleted.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        // Nobody reads on, and it ends all the same
        while (_api.Get<OpenAnswers>().Downloads > 0)
        {
            await Task.Delay(20, limit.Token);
        }

        Assert.That(async () => await body.CopyToAsync(Stream.Null, limit.Token), Throws.Exception, "it is seen that it is not whole");
    }

    [Test]
    public async Task Url_InLists_NeedsNoKey()
    {
        Page<JobDocument> page = await ApiScope.ReadAsync<Page<JobDocument>>(await _api.Client.GetAsync("/v1/jobs?state=succeeded"));

        using HttpResponseMessage answer = await _anyone.GetAsync(page.Data.Single(j => j.Id == _job.Id).Outputs[0].Url);

        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(_bytes));
    }

    [Test]
    public async Task Url_WithAKeyOfAnotherAccount_IsGoodAllTheSame()
    {
        using HttpClient other = await _api.ClientOfNewAccountAsync();

        using HttpResponseMessage signed = await other.GetAsync(_job.Outputs[0].Url);
        using HttpResponseMessage plain = await other.GetAsync($"/v1/jobs/{_job.Id}/outputs/0");

        Assert.That((signed.StatusCode, plain.StatusCode), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.NotFound)));
    }

    [Test]
    public async Task Url_Expired_IsRefusedWithoutAKeyOnly()
    {
        var then = new OutputUrls(
            _api.Get<KeySecret>(),
            _api.Get<IResultsStore>(),
            Options.Create(new ResultsOptions()),
            new Clock(DateTimeOffset.UtcNow.AddHours(-2))
        );
        string url = then.Sign(_job).Outputs[0].Url;

        Assert.That(await RefusedAsync(url), Is.EqualTo((HttpStatusCode.Forbidden, "url_expired")));
        Assert.That(await _api.Client.GetByteArrayAsync(url), Is.EqualTo(_bytes));
    }

    [Test]
    public async Task Url_Tampered_IsRefused()
    {
        string url = _job.Outputs[0].Url;
        string expires = $"expires={_job.Outputs[0].UrlExpiresAt!.Value.ToUnixTimeSeconds()}";
        Assert.That(url, Does.Contain(expires));
        JobDocument other = await _api.SubmitAsync();
        await _api.FinishAsync(other.Id);

        string[] tampered =
        [
            url.Replace(expires, "expires=99999999999", StringComparison.Ordinal),
            url.Replace(expires, "expires=never", StringComparison.Ordinal),
            url.Replace("/outputs/0", "/outputs/1", StringComparison.Ordinal),
            url.Replace(_job.Id.ToString(), other.Id.ToString(), StringComparison.Ordinal),
            url[..^2],
            url + "!",
        ];
        foreach (string address in tampered)
        {
            Assert.That(await RefusedAsync(address), Is.EqualTo((HttpStatusCode.Forbidden, "url_invalid")), address);
        }
    }

    [Test]
    public async Task Output_WithNeitherKeyNorSignature_AsksForAKey() =>
        Assert.That(await RefusedAsync($"/v1/jobs/{_job.Id}/outputs/0"), Is.EqualTo((HttpStatusCode.Unauthorized, "key_missing")));

    private async Task<(HttpStatusCode Status, string? Code)> RefusedAsync(string url)
    {
        using HttpResponseMessage answer = await _anyone.GetAsync(url);
        return (answer.StatusCode, (await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("code").GetString());
    }

    private sealed class Clock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
