using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Storage.Accounts;

namespace Generation.Api.Tests;

/// <summary>Signing in at the page: a cookie that stands for a key, for calls of our own origin alone.</summary>
public sealed class SessionTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Session_ByKey_StandsForIt()
    {
        (string cookie, HttpResponseMessage answer) = await SignInAsync(new { key = _api.Key });
        using HttpResponseMessage kept = answer;
        string header = answer.Headers.GetValues("Set-Cookie").Single();

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Created));
        Assert.That(header, Does.Contain("httponly").IgnoreCase.And.Contain("samesite=strict").IgnoreCase);
        Assert.That(header, Does.Not.Contain(_api.Key));
        Assert.That((await SendAsync("GET", "/v1/account", cookie)).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        JsonElement who = await ApiScope.ReadAsync<JsonElement>(await SendAsync("GET", "/v1/session", cookie));
        Assert.That(who.GetProperty("account_name").GetString(), Is.EqualTo("tests"));
    }

    [TestCase("https://localhost", true)]
    [TestCase("http://localhost", false)]
    public async Task Cookie_OfAPage_IsSecureWhereThePageCameOverHttps(string origin, bool isSecure)
    {
        using HttpResponseMessage answer = (await SignInAsync(new { key = _api.Key }, ("Origin", origin))).Answer;
        string header = answer.Headers.GetValues("Set-Cookie").Single();

        Assert.That(header.Contains("; secure", StringComparison.OrdinalIgnoreCase), Is.EqualTo(isSecure));
        Assert.That(header.StartsWith("__Host-", StringComparison.Ordinal), Is.EqualTo(isSecure));
    }

    [TestCase("{}", 422, "invalid_request")]
    [TestCase("""{"key": "gk_short"}""", 422, "invalid_request")]
    [TestCase("""{"link": "AAAA"}""", 401, "link_invalid")]
    [TestCase("""{"link": "???"}""", 401, "link_invalid")]
    [TestCase("""{"key": "KEY", "link": "AAAA"}""", 422, "invalid_request")]
    public async Task Session_ByNothingGood_IsRefused(string body, int status, string code)
    {
        using HttpClient client = _api.ClientWith(null);
        using var content = new StringContent(body.Replace("KEY", _api.Key, StringComparison.Ordinal), null, "application/json");
        using HttpResponseMessage answer = await client.PostAsync("/v1/session", content);

        Assert.That(((int)answer.StatusCode, await CodeAsync(answer)), Is.EqualTo((status, code)));
    }

    [Test]
    public async Task Session_ByAnUnknownKey_IsRefused()
    {
        using HttpResponseMessage answer = (await SignInAsync(new { key = ApiKey.New() })).Answer;

        Assert.That((answer.StatusCode, await CodeAsync(answer)), Is.EqualTo((HttpStatusCode.Unauthorized, "key_invalid")));
    }

    [Test]
    public async Task Session_SignedOut_IsVoidInEveryProcessThoughItsCookieWasKept()
    {
        (string cookie, HttpResponseMessage answer) = await SignInAsync(new { key = _api.Key });
        answer.Dispose();
        using HttpResponseMessage end = await SendAsync("DELETE", "/v1/session", cookie, ("X-Generation-Session", "1"), Own);

        Assert.That(end.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await SendAsync("GET", "/v1/account", cookie)).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        using HttpClient other = _api.ClientOfAnotherApi("");
        other.DefaultRequestHeaders.Authorization = null;
        other.DefaultRequestHeaders.Add("Cookie", cookie);
        Assert.That((await other.GetAsync("/v1/account")).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await other.GetAsync("/v1/session")).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task Session_OfARevokedKey_EndsWithinASecond()
    {
        NewApiKey key = await _api.Get<ApiKeyStore>().CreateAsync(_api.Account, "k", [Scopes.Jobs], null, default);
        (string cookie, HttpResponseMessage answer) = await SignInAsync(new { key = key.Key });
        answer.Dispose();
        Assert.That((await SendAsync("GET", "/v1/jobs", cookie)).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await _api.Get<ApiKeyStore>().RevokeAsync(key.Info.Id, default);
        await Task.Delay(TimeSpan.FromSeconds(1));

        Assert.That((await SendAsync("GET", "/v1/jobs", cookie)).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That((await SendAsync("GET", "/v1/session", cookie)).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task Session_OfAChangedCookie_IsNone()
    {
        (string cookie, HttpResponseMessage answer) = await SignInAsync(new { key = _api.Key });
        answer.Dispose();
        char last = cookie[^5];
        string changed = cookie[..^5] + (last == 'A' ? 'B' : 'A') + cookie[^4..];

        Assert.That((await SendAsync("GET", "/v1/account", changed)).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    private static (string, string) Own => ("Origin", "http://localhost");

    private static IEnumerable<TestCaseData> Calls()
    {
        (string, string) header = ("X-Generation-Session", "1");
        (string, string) same = ("Sec-Fetch-Site", "same-origin");
        yield return Case("own page", true, header, same);
        yield return Case("own page, by its origin", true, header, Own);
        yield return Case("no header", false, same);
        yield return Case("no origin", false, header);
        yield return Case("another origin", false, header, ("Origin", "http://localhost:81"));
        yield return Case("no origin at all", false, header, ("Origin", "null"));
        yield return Case("another port of this host", false, header, ("Sec-Fetch-Site", "same-site"), Own);
        yield return Case("another site", false, header, ("Sec-Fetch-Site", "cross-site"), Own);
        yield return Case("an address typed in", false, header, ("Sec-Fetch-Site", "none"));

        static TestCaseData Case(string name, bool isTaken, params (string, string)[] headers) =>
            new TestCaseData(isTaken, headers).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Calls))]
    public async Task Call_BySessionThatChangesSomething_IsTakenFromOurOwnPageAlone(bool isTaken, (string, string)[] headers)
    {
        (string cookie, HttpResponseMessage answer) = await SignInAsync(new { key = _api.Key });
        answer.Dispose();
        using HttpResponseMessage made = await SendAsync("POST", "/v1/text2img", cookie, headers);

        Assert.That(made.StatusCode, Is.EqualTo(isTaken ? HttpStatusCode.Accepted : HttpStatusCode.Forbidden));
        if (!isTaken)
        {
            Assert.That(await CodeAsync(made), Is.EqualTo("cross_site_request"));
        }
    }

    [TestCase("cross-site", HttpStatusCode.Forbidden)]
    [TestCase("same-site", HttpStatusCode.Forbidden)]
    [TestCase("none", HttpStatusCode.OK)]
    public async Task Read_BySession_IsRefusedToOtherPages(string site, HttpStatusCode status)
    {
        (string cookie, HttpResponseMessage answer) = await SignInAsync(new { key = _api.Key });
        answer.Dispose();

        Assert.That((await SendAsync("GET", "/v1/account", cookie, ("Sec-Fetch-Site", site))).StatusCode, Is.EqualTo(status));
    }

    [TestCase("Origin", "https://elsewhere.example")]
    [TestCase("Sec-Fetch-Site", "cross-site")]
    public async Task Session_AskedForByAnotherPage_IsRefused(string name, string value)
    {
        using HttpResponseMessage answer = (await SignInAsync(new { key = _api.Key }, (name, value))).Answer;

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task Link_OpensASessionOnce()
    {
        using HttpResponseMessage made = await _api.Client.PostAsync("/v1/session/links", null);
        JsonElement link = await ApiScope.ReadAsync<JsonElement>(made);
        string token = link.GetProperty("link").GetString()!;
        (string cookie, HttpResponseMessage first) = await SignInAsync(new { link = token });
        first.Dispose();
        using HttpResponseMessage second = (await SignInAsync(new { link = token })).Answer;

        Assert.That(link.GetProperty("path").GetString(), Is.EqualTo($"/#open={token}"));
        Assert.That((await SendAsync("GET", "/v1/account", cookie)).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((second.StatusCode, await CodeAsync(second)), Is.EqualTo((HttpStatusCode.Unauthorized, "link_used")));
        // A link is no cookie, and a cookie no link
        Assert.That(
            (await SendAsync("GET", "/v1/account", $"{cookie.Split('=')[0]}={token}")).StatusCode,
            Is.EqualTo(HttpStatusCode.Unauthorized)
        );
        using HttpResponseMessage third = (await SignInAsync(new { link = cookie.Split('=', 2)[1] })).Answer;
        Assert.That(await CodeAsync(third), Is.EqualTo("link_invalid"));
    }

    private async Task<(string Cookie, HttpResponseMessage Answer)> SignInAsync(object body, params (string Name, string Value)[] headers)
    {
        using HttpClient client = _api.ClientWith(null);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/session") { Content = JsonContent.Create(body) };
        foreach ((string name, string value) in headers)
        {
            request.Headers.Add(name, value);
        }

        HttpResponseMessage answer = await client.SendAsync(request);
        return (answer.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? set) ? set.First().Split(';')[0] : "", answer);
    }

    private async Task<HttpResponseMessage> SendAsync(
        string method,
        string path,
        string cookie,
        params (string Name, string Value)[] headers
    )
    {
        using HttpClient client = _api.ClientWith(null);
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Add("Cookie", cookie);
        if (method == "POST")
        {
            request.Content = JsonContent.Create(new { prompt = "a red apple" });
        }

        foreach ((string name, string value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await client.SendAsync(request);
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage answer) =>
        (await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("code").GetString();
}
