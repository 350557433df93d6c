using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;

namespace Generation.Api.Tests;

/// <summary>Keys that an account makes and revokes by itself.</summary>
public sealed class AccountKeyTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test, CancelAfter(120_000)]
    public async Task Key_MadeByAnAccount_WorksUntilItIsRevoked(CancellationToken token)
    {
        JsonElement made = await JsonAsync(await MakeAsync(_api.Client, new { name = "laptop", scopes = (string[])["read"] }), 201);
        string id = made.GetProperty("info").GetProperty("id").GetString()!;
        using HttpClient client = _api.ClientWith(made.GetProperty("key").GetString());
        JsonElement account = await JsonAsync(await client.GetAsync("/v1/account", token), 200);
        Assert.That((account.GetProperty("id").GetGuid(), account.GetProperty("key_id").GetString()), Is.EqualTo((_api.Account, id)));

        JsonElement list = await JsonAsync(await _api.Client.GetAsync("/v1/account/keys", token), 200);
        JsonElement listed = list.GetProperty("data").EnumerateArray().Single(key => key.GetProperty("id").GetString() == id);
        Assert.That(listed.GetProperty("name").GetString(), Is.EqualTo("laptop"));
        Assert.That(list.GetRawText(), Does.Not.Contain(made.GetProperty("key").GetString()));

        JsonElement revoked = await JsonAsync(await _api.Client.DeleteAsync($"/v1/account/keys/{id}", token), 200);
        Assert.That(revoked.TryGetProperty("revoked_at", out _));
        while ((await client.GetAsync("/v1/account", token)).StatusCode != HttpStatusCode.Unauthorized)
        {
            await Task.Delay(50, token);
        }
    }

    [Test]
    public async Task Key_WithMoreThanItsMaker_IsNeitherMadeNorRevoked()
    {
        JsonElement refused = await JsonAsync(await MakeAsync(_api.Client, new { scopes = (string[])["jobs", "admin"] }), 422);
        Assert.That(refused.GetProperty("errors").GetProperty("scopes")[0].GetString(), Does.Contain("no more than this key"));
        await JsonAsync(await MakeAsync(_api.Client, new { scopes = Array.Empty<string>() }), 422);

        using HttpClient reader = await KeyOfAsync(Scopes.Read);
        await JsonAsync(await reader.GetAsync("/v1/account/keys"), 200);
        await JsonAsync(await MakeAsync(reader, new { scopes = (string[])["read"] }), 403);

        ApiKeyInfo powerful = (await _api.Get<ApiKeyStore>().CreateAsync(_api.Account, "a", [Scopes.Admin], null, default)).Info;
        await JsonAsync(await _api.Client.DeleteAsync($"/v1/account/keys/{powerful.Id}"), 403);
        await JsonAsync(await reader.DeleteAsync($"/v1/account/keys/{powerful.Id}"), 403);
        Assert.That((await _api.Get<ApiKeyStore>().FindAsync(_api.Account, powerful.Id, default))!.RevokedAt, Is.Null);
    }

    [Test]
    public async Task Key_OfAnotherAccount_IsNotThere()
    {
        Account other = (await _api.Get<AccountStore>().CreateAsync(Guid.NewGuid().ToString(), default, default))!;
        ApiKeyInfo key = (await _api.Get<ApiKeyStore>().CreateAsync(other.Id, "k", [Scopes.Jobs], null, default)).Info;

        await JsonAsync(await _api.Client.DeleteAsync($"/v1/account/keys/{key.Id}"), 404);
        JsonElement list = await JsonAsync(await _api.Client.GetAsync("/v1/account/keys"), 200);
        Assert.That(list.GetProperty("data").EnumerateArray().All(one => one.GetProperty("account_id").GetGuid() == _api.Account));
    }

    [Test]
    public async Task Key_OfOneThatExpires_DoesNotOutliveIt()
    {
        DateTimeOffset end = DateTimeOffset.UtcNow.AddDays(3);
        using HttpClient client = await KeyOfAsync(Scopes.Jobs, end);

        JsonElement error = await JsonAsync(await MakeAsync(client, new { expires_days = 30 }), 422);
        Assert.That(error.GetProperty("errors").TryGetProperty("expires_days", out _));
        JsonElement sooner = await JsonAsync(await MakeAsync(client, new { expires_days = 1 }), 201);
        Assert.That(ExpiryOf(sooner), Is.LessThan(end.AddDays(-1)));
        JsonElement same = await JsonAsync(await MakeAsync(client, new { }), 201);
        Assert.That(ExpiryOf(same), Is.EqualTo(end).Within(TimeSpan.FromMilliseconds(1)));

        static DateTimeOffset ExpiryOf(JsonElement made) => made.GetProperty("info").GetProperty("expires_at").GetDateTimeOffset();
    }

    [Test]
    public async Task Keys_BeyondAHundred_AreRefusedUntilOneIsRevoked()
    {
        Account account = (await _api.Get<AccountStore>().CreateAsync(Guid.NewGuid().ToString(), default, default))!;
        ApiKeyStore keys = _api.Get<ApiKeyStore>();
        using HttpClient client = _api.ClientWith((await keys.CreateAsync(account.Id, "first", [Scopes.Jobs], null, default)).Key);
        Guid last = default;
        for (int i = 1; i < 100; i++)
        {
            last = (await keys.CreateAsync(account.Id, "k", [Scopes.Read], null, default)).Info.Id;
        }

        JsonElement problem = await JsonAsync(await MakeAsync(client, new { }), 409);
        Assert.That(problem.GetProperty("code").GetString(), Is.EqualTo("too_many_keys"));
        await JsonAsync(await client.DeleteAsync($"/v1/account/keys/{last}"), 200);
        await JsonAsync(await MakeAsync(client, new { }), 201);
    }

    [Test]
    public async Task Key_OfAnOperator_IsEnteredInTheAuditLog()
    {
        using HttpClient admin = await _api.ClientOfNewAccountAsync(0, Scopes.Admin);
        JsonElement made = await JsonAsync(await MakeAsync(admin, new { name = "spare", scopes = (string[])["admin"] }), 201);
        await JsonAsync(await admin.DeleteAsync($"/v1/account/keys/{made.GetProperty("info").GetProperty("id").GetString()}"), 200);

        IReadOnlyList<AuditEntry> entries = await _api.Get<AuditLog>().ListAsync(null, 2, default);
        Assert.That(entries.Select(entry => entry.Action), Is.EqualTo(["key.revoke", "key.create"]));
        JsonElement check = await JsonAsync(await admin.GetAsync("/v1/admin/audit/check"), 200);
        Assert.That((check.GetProperty("entries").GetInt64() >= 2, check.TryGetProperty("problem", out _)), Is.EqualTo((true, false)));
    }

    private static Task<HttpResponseMessage> MakeAsync(HttpClient client, object body) => client.PostAsJsonAsync("/v1/account/keys", body);

    private async Task<HttpClient> KeyOfAsync(string scope, DateTimeOffset? expires = null) =>
        _api.ClientWith((await _api.Get<ApiKeyStore>().CreateAsync(_api.Account, "k", [scope], expires, default)).Key);

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer, int status)
    {
        using (answer)
        {
            string text = await answer.Content.ReadAsStringAsync();
            Assert.That((int)answer.StatusCode, Is.EqualTo(status), text);
            return JsonSerializer.Deserialize<JsonElement>(text);
        }
    }
}
