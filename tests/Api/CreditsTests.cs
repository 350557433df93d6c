using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Npgsql;

namespace Generation.Api.Tests;

/// <summary>Grants, top-ups and refunds by operators: each once, and no refund beyond what a job cost.</summary>
public sealed class CreditsTests
{
    private ApiScope _api = null!;
    private HttpClient _admin = null!;
    private string _path = "";

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync();
        _admin = await _api.ClientOfNewAccountAsync(10, Scopes.Admin);
        _path = $"/v1/admin/accounts/{_api.Account}/credits";
    }

    [OneTimeTearDown]
    public async Task StopApi()
    {
        _admin.Dispose();
        await _api.DisposeAsync();
    }

    [TearDown]
    public async Task CheckTheBooks() => Assert.That((await _api.Get<Ledger>().CheckAsync(default)).IsRight);

    [Test]
    public async Task TopUp_SameIdempotencyKeyAgain_IsAnsweredAsTheFirstAndMovesOnce()
    {
        string key = NewKey();
        Credits before = await BalanceAsync();

        (int status, string first, bool replayed) = await SendAsync(key, new { entry = "top_up", amount = 3 });
        await SendAsync(NewKey(), new { entry = "grant", amount = 1 });
        (int status, string text, bool replayed) again = await SendAsync(key, new { entry = "top_up", amount = 3 });

        Assert.That((status, replayed), Is.EqualTo((200, false)));
        Assert.That(again, Is.EqualTo((200, first, true)), "byte for byte, also after the account has changed");
        Assert.That(await BalanceAsync(), Is.EqualTo(before + Credits.Of(4)));
    }

    [Test]
    public async Task TopUp_SameIdempotencyKeyWithAnotherBodyOrAccount_IsRefused()
    {
        string key = NewKey();
        Credits before = await BalanceAsync();
        await SendAsync(key, new { entry = "top_up", amount = 3 });

        Assert.That(ErrorOf(await SendAsync(key, new { entry = "top_up", amount = 4 })), Is.EqualTo((422, "idempotency_key_reused")));
        Assert.That(
            ErrorOf(await SendAsync(key, new { entry = "top_up", amount = 3 }, $"/v1/admin/accounts/{Guid.NewGuid()}/credits")),
            Is.EqualTo((422, "idempotency_key_reused"))
        );
        Assert.That(await BalanceAsync(), Is.EqualTo(before + Credits.Of(3)));
    }

    [Test]
    public async Task TopUp_SameIdempotencyKeyFromManyAtOnce_MovesOnce()
    {
        string key = NewKey();
        Credits before = await BalanceAsync();

        (int Status, string Text, bool Replayed)[] answers = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(_ => SendAsync(key, new { entry = "top_up", amount = 3 }))
        );

        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(200));
        Assert.That(answers.Select(answer => answer.Text).Distinct().Count(), Is.EqualTo(1));
        Assert.That(answers.Count(answer => !answer.Replayed), Is.EqualTo(1));
        Assert.That(await BalanceAsync(), Is.EqualTo(before + Credits.Of(3)));
    }

    [Test]
    public async Task TopUp_OfAnAccountThatIsNotThere_DoesNotUseUpItsKey()
    {
        string key = NewKey();
        string nowhere = $"/v1/admin/accounts/{Guid.NewGuid()}/credits";

        Assert.That(ErrorOf(await SendAsync(key, new { entry = "grant", amount = 1 }, nowhere)), Is.EqualTo((404, "account_not_found")));
        Assert.That((await SendAsync(key, new { entry = "grant", amount = 1 })).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Refund_OfAJob_GivesBackAtMostWhatItCost([Values] bool jobRowIsDeleted)
    {
        JobDocument job = await _api.SubmitAsync();
        await _api.FinishAsync(job.Id);
        Credits cost = (await _api.Jobs.FindAsync(job.Id, null, default))!.Charged;
        if (jobRowIsDeleted)
        {
            await using NpgsqlCommand delete = _api.Get<NpgsqlDataSource>().CreateCommand($"DELETE FROM jobs WHERE id = '{job.Id}'");
            await delete.ExecuteNonQueryAsync();
        }

        decimal half = decimal.Round(cost.Value / 2, 6);
        Credits before = await BalanceAsync();

        Assert.That(await FieldAsync(Refund(job.Id, cost.Value + 0.000001m)), Is.EqualTo("amount"));
        Assert.That((await SendAsync(null, Refund(job.Id, half))).Status, Is.EqualTo(200));
        Assert.That(await FieldAsync(Refund(job.Id, cost.Value)), Is.EqualTo("amount"), "half of it was refunded before");
        Assert.That((await SendAsync(null, Refund(job.Id, cost.Value - half))).Status, Is.EqualTo(200));
        Assert.That(await FieldAsync(Refund(job.Id, 0.000001m)), Is.EqualTo("amount"));
        Assert.That(await BalanceAsync(), Is.EqualTo(before + cost));
    }

    [Test]
    public async Task Refund_ManyAtOnceOfOneJob_GiveBackItsCostOnce()
    {
        JobDocument job = await _api.SubmitAsync();
        await _api.FinishAsync(job.Id);
        Credits cost = (await _api.Jobs.FindAsync(job.Id, null, default))!.Charged;
        Credits before = await BalanceAsync();

        (int Status, string Text, bool Replayed)[] answers = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => SendAsync(null, Refund(job.Id, cost.Value)))
        );

        Assert.That(answers.Count(answer => answer.Status == 200), Is.EqualTo(1));
        Assert.That(await BalanceAsync(), Is.EqualTo(before + cost));
    }

    [Test]
    public async Task Refund_WithoutAJobOfTheAccount_IsRefused()
    {
        using HttpClient other = await _api.ClientOfNewAccountAsync();
        JobDocument others = await _api.SubmitAsync(client: other);
        await _api.FinishAsync(others.Id);
        JobDocument open = await _api.SubmitAsync();
        Credits before = await BalanceAsync();

        Assert.That(await FieldAsync(new { entry = "refund", amount = 1 }), Is.EqualTo("job"));
        Assert.That(await FieldAsync(Refund(others.Id, 0.000001m)), Is.EqualTo("job"), "another account's");
        Assert.That(await FieldAsync(Refund(JobId.New(TimeProvider.System), 0.000001m)), Is.EqualTo("job"), "none");
        Assert.That(await FieldAsync(Refund(open.Id, 0.000001m)), Is.EqualTo("amount"), "it has cost nothing yet");
        Assert.That(await BalanceAsync(), Is.EqualTo(before));
    }

    private static object Refund(JobId job, decimal amount) =>
        new
        {
            entry = "refund",
            amount,
            job = job.ToString(),
        };

    private static string NewKey() => Guid.NewGuid().ToString();

    private static (int Status, string Code) ErrorOf((int Status, string Text, bool Replayed) answer) =>
        (answer.Status, JsonDocument.Parse(answer.Text).RootElement.GetProperty("code").GetString()!);

    /// <summary>The field that a refused request is said to have wrong.</summary>
    private async Task<string> FieldAsync(object body)
    {
        (int status, string text, _) = await SendAsync(NewKey(), body);
        Assert.That(status, Is.EqualTo(422), text);
        return JsonDocument.Parse(text).RootElement.GetProperty("errors").EnumerateObject().Single().Name;
    }

    private async Task<(int Status, string Text, bool Replayed)> SendAsync(string? key, object body, string? path = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path ?? _path) { Content = JsonContent.Create(body) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using HttpResponseMessage answer = await _admin.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers.Contains("Idempotent-Replayed"));
    }

    private async Task<Credits> BalanceAsync() => (await _api.Get<AccountStore>().FindAsync(_api.Account, default))!.Balance;
}
