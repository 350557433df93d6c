using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Workers;

namespace Generation.Api.Tests;

/// <summary>Accounts' rules about what their jobs may show.</summary>
public sealed class SafetyTests
{
    private ApiScope _api = null!;
    private HttpClient _admin = null!;
    private HttpClient _client = null!;
    private string _rules = "";

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync();
        _admin = await _api.ClientOfNewAccountAsync(10, Scopes.Admin);
        ModelEntry careful = ApiScope.Demo with { Name = "careful", SafetyChecker = "checker" };
        await _api.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration("other", [ApiScope.Demo, careful], 1, null), default);
        await _api.Get<WorkerRegistry>().RemoveAsync("other", default);
        while (!(await _api.Client.GetStringAsync("/v1/models")).Contains("careful", StringComparison.Ordinal))
        {
            await Task.Delay(100);
        }
    }

    [OneTimeTearDown]
    public async Task StopApi()
    {
        _admin.Dispose();
        await _api.DisposeAsync();
    }

    [SetUp]
    public async Task CreateAccount()
    {
        _client = await _api.ClientOfNewAccountAsync(100);
        JsonElement account = await JsonAsync(await _client.GetAsync("/v1/account"), 200);
        _rules = $"/v1/admin/accounts/{account.GetProperty("id").GetString()}/safety";
    }

    [TearDown]
    public void DropClient() => _client.Dispose();

    [Test]
    public async Task Rules_OfNewAccount_AreNone()
    {
        foreach (
            JsonElement rules in new[]
            {
                await JsonAsync(await _admin.GetAsync(_rules), 200),
                await JsonAsync(await _client.GetAsync("/v1/account/safety"), 200),
            }
        )
        {
            Assert.That(rules.TryGetProperty("policy", out _), Is.False);
            Assert.That(rules.GetProperty("blocked_words").GetArrayLength(), Is.Zero);
        }
    }

    [Test]
    public async Task Prompt_WithBlockedWord_IsRefusedAndCostsNothing()
    {
        await SetAsync(new { blocked_words = new[] { "guns", "bad thing", "explo*" } });
        foreach (
            (string prompt, string word) in new[]
            {
                ("a cat with GUNS", "guns"),
                ("a bad-thing", "bad thing"),
                ("big explosions", "explo*"),
                ("ｇｕｎｓ and roses", "guns"),
            }
        )
        {
            JsonElement problem = await JsonAsync(await _client.PostAsJsonAsync("/v1/text2img", new { prompt }), 422);
            Assert.That(problem.GetProperty("code").GetString(), Is.EqualTo("prompt_blocked"));
            Assert.That(problem.GetProperty("errors").GetProperty("prompt")[0].GetString(), Does.Contain($"'{word}'"));
        }

        // Within other words, and in what is not to be seen, a word may be
        await JsonAsync(await _client.PostAsJsonAsync("/v1/text2img", new { prompt = "a shotgunshell", negative_prompt = "guns" }), 202);
        await JsonAsync(await _client.PostAsJsonAsync("/v1/video", new { prompt = "guns" }), 422);
        JsonElement transactions = await JsonAsync(await _client.GetAsync("/v1/account/transactions"), 200);
        Assert.That(
            transactions.GetProperty("data").EnumerateArray().Count(t => t.GetProperty("entry").GetString() == "hold"),
            Is.EqualTo(1),
            "the one that was taken"
        );
    }

    [Test]
    public async Task Policy_OfAccount_IsTheLeastThatIsDone()
    {
        Assert.That(await PolicyAsync(new { prompt = "a", model = "careful" }), Is.EqualTo(SafetyPolicy.Flag), "the model has a checker");
        Assert.That(
            await PolicyAsync(
                new
                {
                    prompt = "a",
                    model = "careful",
                    safety = "off",
                }
            ),
            Is.EqualTo(SafetyPolicy.Off)
        );

        await SetAsync(new { policy = "blur" });
        Assert.That(await PolicyAsync(new { prompt = "a", model = "careful" }), Is.EqualTo(SafetyPolicy.Blur));
        Assert.That(
            await PolicyAsync(
                new
                {
                    prompt = "a",
                    model = "careful",
                    safety = "off",
                }
            ),
            Is.EqualTo(SafetyPolicy.Blur)
        );
        Assert.That(
            await PolicyAsync(
                new
                {
                    prompt = "a",
                    model = "careful",
                    safety = "black",
                }
            ),
            Is.EqualTo(SafetyPolicy.Black),
            "stricter is the caller's right"
        );
        Assert.That(
            (await JsonAsync(await _client.GetAsync("/v1/account/safety"), 200)).GetProperty("policy").GetString(),
            Is.EqualTo("blur")
        );
    }

    [Test]
    public async Task Rules_ThatCannotBe_AreRefusedByField()
    {
        foreach (
            (object rules, string field) in new (object, string)[]
            {
                (new { policy = "hide" }, "policy"),
                (new { blocked_words = new[] { "*" } }, "blocked_words"),
                (new { blocked_words = new[] { new string('a', 101) } }, "blocked_words"),
                (new { blocked_words = Enumerable.Range(0, 1001).Select(k => $"w{k}") }, "blocked_words"),
                (new { words = new[] { "a" } }, "words"),
            }
        )
        {
            JsonElement problem = await JsonAsync(await _admin.PutAsJsonAsync(_rules, rules), 422);
            Assert.That(problem.GetProperty("errors").TryGetProperty(field, out _), problem.GetRawText());
        }

        await JsonAsync(await _admin.PutAsJsonAsync($"/v1/admin/accounts/{Guid.NewGuid()}/safety", new { policy = "off" }), 404);
        await JsonAsync(await _client.PutAsJsonAsync(_rules, new { policy = "off" }), 403);
        await JsonAsync(await _admin.PutAsJsonAsync(_rules, new { policy = "off" }), 200);
        JsonElement audit = await JsonAsync(await _admin.GetAsync("/v1/admin/audit?limit=500"), 200);
        Assert.That(audit.GetRawText(), Does.Contain("account.safety"));
    }

    private async Task SetAsync(object rules)
    {
        JsonElement set = await JsonAsync(await _admin.PutAsJsonAsync(_rules, rules), 200);
        // What the API knows of them is up to a second old
        string seen;
        do
        {
            await Task.Delay(100);
            seen = (await JsonAsync(await _client.GetAsync("/v1/account/safety"), 200)).GetRawText();
        } while (seen != set.GetRawText());
        await Task.Delay(1000);
    }

    private async Task<SafetyPolicy> PolicyAsync(object body) => (await _api.SubmitAsync(body, _client)).Request!.Safety;

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer, int status)
    {
        using (answer)
        {
            string body = await answer.Content.ReadAsStringAsync();
            Assert.That((int)answer.StatusCode, Is.EqualTo(status), body);
            return JsonSerializer.Deserialize<JsonElement>(body);
        }
    }
}
