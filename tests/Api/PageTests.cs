using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Generation.Hosting;

namespace Generation.Api.Tests;

/// <summary>The page at the root, and the files that it is made of.</summary>
public sealed partial class PageTests
{
    private const string Html = "text/html,application/xhtml+xml,*/*;q=0.8";

    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Root_ForABrowser_IsThePageUnderAStrictPolicy()
    {
        using HttpResponseMessage answer = await GetAsync("/", Html);
        string policy = answer.Headers.GetValues("Content-Security-Policy").Single();

        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/html"));
        Assert.That(policy, Does.Not.Contain("unsafe").And.Contain("default-src 'none'").And.Contain("frame-ancestors 'none'"));
        Assert.That(policy, Does.Contain("require-trusted-types-for 'script'"));
        Assert.That(answer.Headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"));
        Assert.That(answer.Headers.GetValues("Referrer-Policy").Single(), Is.EqualTo("no-referrer"));
        string page = await answer.Content.ReadAsStringAsync();
        Assert.That(Inline().IsMatch(page), Is.False, "scripts and styles are files");
        Assert.That(Elsewhere().IsMatch(page), Is.False, "nothing comes from elsewhere");
    }

    [TestCase("*/*")]
    [TestCase("application/json")]
    [TestCase(null)]
    public async Task Root_ForOtherClients_IsNothing(string? accept)
    {
        using HttpResponseMessage answer = await GetAsync("/", accept);

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("application/problem+json"));
    }

    [Test]
    public async Task Files_ThatThePageNames_AreThereAndMayBeKept()
    {
        using HttpResponseMessage page = await GetAsync("/", Html);
        string[] files = [.. Addresses().Matches(await page.Content.ReadAsStringAsync()).Select(match => match.Groups["address"].Value)];

        Assert.That(files, Has.Length.GreaterThan(5));
        foreach (string file in files)
        {
            using HttpResponseMessage answer = await GetAsync(file, "*/*");
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), file);
            Assert.That(answer.Headers.CacheControl!.ToString(), Does.Contain("immutable"), file);
            using HttpResponseMessage again = await GetAsync(file, "*/*", answer.Headers.ETag);
            Assert.That(again.StatusCode, Is.EqualTo(HttpStatusCode.NotModified), file);
        }

        using HttpResponseMessage other = await GetAsync("/app/0123456789abcdef/main.js", "*/*");
        Assert.That((other.StatusCode, other.Headers.CacheControl!.NoCache), Is.EqualTo((HttpStatusCode.OK, true)));
        using HttpResponseMessage none = await GetAsync("/app/0123456789abcdef/none.js", "*/*");
        Assert.That(none.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public void Page_NamesAllModulesOfTheFirstView_SoThatTheyComeAtOnce()
    {
        string app = Path.Combine(Clone.Current.Root, "api", "Web", "App");
        string page = File.ReadAllText(Path.Combine(app, "index.html"));
        var needed = new HashSet<string>(StringComparer.Ordinal);
        AddModules("main.js");
        AddModules("views/make.js");
        needed.Remove("main.js");
        string[] preloaded = [.. Preloads().Matches(page).Select(match => match.Groups["name"].Value)];

        Assert.That(needed, Has.Count.GreaterThan(20));
        Assert.That(preloaded, Is.EquivalentTo(needed));

        void AddModules(string name)
        {
            if (!needed.Add(name))
            {
                return;
            }

            string module = File.ReadAllText(Path.Combine(app, name));
            foreach (string from in Imports().Matches(module).Select(match => match.Groups["from"].Value))
            {
                AddModules(
                    from switch
                    {
                        "preact" => "vendor/preact/preact.js",
                        "preact/hooks" => "vendor/preact/hooks.js",
                        _ => Path.GetRelativePath(app, Path.Combine(app, Path.GetDirectoryName(name)!, from)),
                    }
                );
            }
        }
    }

    [TestCase("br")]
    [TestCase("gzip")]
    [TestCase("br;q=0, identity")]
    public async Task Page_InTheEncodingThatIsTaken_IsTheSame(string accepted)
    {
        using HttpResponseMessage plain = await GetAsync("/", Html);
        byte[] expected = await plain.Content.ReadAsByteArrayAsync();
        using HttpClient client = _api.ClientWith(null);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("Accept", Html);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        using HttpResponseMessage answer = await client.SendAsync(request);
        string? encoding = answer.Content.Headers.ContentEncoding.SingleOrDefault();
        await using Stream body = await answer.Content.ReadAsStreamAsync();
        await using Stream text = encoding switch
        {
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            "gzip" => new GZipStream(body, CompressionMode.Decompress),
            _ => body,
        };
        using var read = new MemoryStream();
        await text.CopyToAsync(read);

        Assert.That(encoding, Is.EqualTo(accepted is "br" or "gzip" ? accepted : null));
        Assert.That(Encoding.UTF8.GetString(read.ToArray()), Is.EqualTo(Encoding.UTF8.GetString(expected)));
        Assert.That(answer.Headers.ETag!.IsWeak, Is.False);
        Assert.That(answer.Headers.ETag.Tag == plain.Headers.ETag!.Tag, Is.EqualTo(encoding is null));
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string? accept, EntityTagHeaderValue? known = null)
    {
        using HttpClient client = _api.ClientWith(null);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        if (known is not null)
        {
            request.Headers.IfNoneMatch.Add(known);
        }

        return await client.SendAsync(request);
    }

    [GeneratedRegex(
        "<script>|<script (?!type=\"(module\" src=|importmap\"))|<style|style=|\\son[a-z]+=",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Inline();

    [GeneratedRegex("(src|href)=\"(https?:)?//", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Elsewhere();

    [GeneratedRegex("<link rel=\"modulepreload\" href=\"app/(?<name>[^\"]+)\"", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Preloads();

    [GeneratedRegex(
        "^ *(import|export)\\b[^;'\"]*?from\\s*['\"](?<from>[^'\"]+)['\"]",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Imports();

    [GeneratedRegex("\"(?<address>/app/[0-9a-f]{16}/[^\"]+)\"", RegexOptions.None, 10_000)]
    private static partial Regex Addresses();
}
