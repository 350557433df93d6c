using System.Net;
using System.Net.Http.Json;
using Generation.Api.Retention;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using Generation.Storage.Retention;
using Generation.Storage.Webhooks;
using Npgsql;

namespace Generation.Api.Tests;

/// <summary>What is deleted after its time or by hand, and that the ledger stays exact.</summary>
public sealed class DeletionTests
{
    private static readonly DateTimeOffset Later = DateTimeOffset.UtcNow.AddDays(2);

    private ApiScope _api = null!;
    private HttpClient _admin = null!;

    [OneTimeSetUp]
    public async Task StartApi()
    {
        _api = await ApiScope.CreateAsync();
        _admin = await _api.ClientOfNewAccountAsync(10, Scopes.Admin);
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
    public async Task PurgeOfAJob_ThatIsOver_LeavesItsLedgerLinesAlone([Values] bool byOperator)
    {
        JobDocument job = await SubmitAsync(
            new { prompt = "a secret garden", webhook_url = "https://example.org/hook" },
            key: Guid.NewGuid().ToString()
        );
        await _api.FinishAsync(job.Id);
        JobRow row = (await _api.Jobs.FindAsync(job.Id, null, default))!;
        IReadOnlyList<LedgerTransaction> lines = await LinesAsync(_api.Account, job.Id);

        HttpStatusCode status = byOperator
            ? (await _admin.DeleteAsync($"/v1/admin/jobs/{job.Id}")).StatusCode
            : (await _api.Client.DeleteAsync($"/v1/jobs/{job.Id}?purge=true")).StatusCode;
        await SweepAsync();

        Assert.That(status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await _api.Jobs.FindAsync(job.Id, null, default), Is.Null);
        Assert.That(await TextAsync(job.Id), Is.Empty, "no table has the prompt or the job's id");
        Assert.That(await _api.Get<IResultsStore>().OpenAsync(row.Outputs[0].Sha256, default), Is.Null);
        Assert.That(await _api.Get<IResultsStore>().OpenAsync(row.Outputs[0].Thumbnail!, default), Is.Null);
        Assert.That(lines, Is.Not.Empty);
        Assert.That(await LinesAsync(_api.Account, job.Id), Is.EqualTo(lines));
        await EventuallyAsync(async () => (await _api.Client.GetAsync($"/v1/jobs/{job.Id}")).StatusCode == HttpStatusCode.NotFound);
    }

    [Test]
    public async Task PurgeOfAJob_OpenOrAnothers_IsRefused()
    {
        JobDocument open = await _api.SubmitAsync();
        using HttpClient other = await _api.ClientOfNewAccountAsync();

        Assert.That((await _api.Client.DeleteAsync($"/v1/jobs/{open.Id}?purge=true")).StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That((await _admin.DeleteAsync($"/v1/admin/jobs/{open.Id}")).StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        await _api.FinishAsync(open.Id);
        Assert.That((await other.DeleteAsync($"/v1/jobs/{open.Id}?purge=true")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(
            (await _api.Client.DeleteAsync($"/v1/jobs/{open.Id}")).StatusCode,
            Is.EqualTo(HttpStatusCode.OK),
            "as before: it stays"
        );
        Assert.That(await _api.Jobs.FindAsync(open.Id, null, default), Is.Not.Null);
    }

    [Test]
    public async Task DeletedAccount_WithJobsOfEveryState_KeepsItsLedgerAndNothingElse()
    {
        Account account = (await _api.Get<AccountStore>().CreateAsync("Jane Doe", Credits.Of(100), default))!;
        using HttpClient client = _api.ClientWith(
            (await _api.Get<ApiKeyStore>().CreateAsync(account.Id, "k", [Scopes.Jobs], null, default)).Key
        );
        object body = new { prompt = "a secret garden", webhook_url = "https://example.org/hook" };
        JobDocument done = await _api.SubmitAsync(body, client);
        await _api.FinishAsync(done.Id);
        string output = (await _api.Jobs.FindAsync(done.Id, null, default))!.Outputs[0].Sha256;
        JobDocument queued = await _api.SubmitAsync(body, client);
        JobDocument running = await _api.SubmitAsync(body, client);
        ClaimedJob claim = (await _api.Jobs.ClaimAsync(running.Id, "w", TimeSpan.FromMinutes(5), default))!;
        await client.PostAsync("/v1/webhooks/secrets", null);

        Assert.That((await _admin.DeleteAsync($"/v1/admin/accounts/{account.Id}")).StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        await EventuallyAsync(async () => (await client.GetAsync("/v1/account")).StatusCode == HttpStatusCode.Unauthorized);
        AccountRemoval removal = _api.Get<AccountRemoval>();
        await removal.ContinueAsync(default);
        Assert.That(await _api.Jobs.FindAsync(done.Id, null, default), Is.Null);
        Assert.That(await _api.Jobs.FindAsync(queued.Id, null, default), Is.Null);
        Assert.That((await _api.Jobs.FindAsync(running.Id, null, default))!.CancelRequested);
        Assert.That((await _admin.DeleteAsync($"/v1/admin/accounts/{account.Id}")).StatusCode, Is.EqualTo(HttpStatusCode.Accepted));

        // The worker stops at its next step
        await _api.Jobs.ConfirmCancelAsync(running.Id, claim.LeaseEpoch, 0.5, default);
        await ExecuteAsync($"UPDATE accounts SET deleted_at = now() - interval '1 hour' WHERE id = '{account.Id}'");
        await removal.ContinueAsync(default);
        await SweepAsync();

        Assert.That((await _admin.DeleteAsync($"/v1/admin/accounts/{account.Id}")).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await TextAsync(account.Id, "ledger_lines", "accounts", "audit_log"), Is.Empty);
        Assert.That(await _api.Get<IResultsStore>().OpenAsync(output, default), Is.Null);
        Account left = (await _api.Get<AccountStore>().FindAsync(account.Id, default))!;
        Assert.That((left.Name, left.Disabled, left.Held), Is.EqualTo(($"deleted {account.Id}", true, Credits.Zero)));
        IReadOnlyList<LedgerTransaction> lines = await _api.Get<Ledger>().TransactionsAsync(account.Id, null, 100, default);
        Assert.That(lines.Sum(line => line.Entry == LedgerEntry.Charge ? 0 : line.Amount.Micros), Is.EqualTo(left.Balance.Micros));
        Assert.That(lines.Select(line => line.Job).OfType<JobId>().Distinct(), Is.EquivalentTo(new[] { done.Id, queued.Id, running.Id }));
    }

    [Test]
    public async Task DeletedAccount_OfTheKeyInUseOrNone_IsRefused()
    {
        Guid own = (await _api.Get<AccountStore>().CreateAsync("operators", Credits.Zero, default))!.Id;
        using HttpClient admin = _api.ClientWith((await _api.Get<ApiKeyStore>().CreateAsync(own, "k", [Scopes.Admin], null, default)).Key);

        Assert.That((await admin.DeleteAsync($"/v1/admin/accounts/{own}")).StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That((await admin.DeleteAsync($"/v1/admin/accounts/{Guid.NewGuid()}")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Jobs_OverForLongerThanTheyAreKept_AreDeletedAndYoungerOnesAreNot()
    {
        JobDocument old = await AgedAsync(days: 31, endedDays: 31);
        JobDocument waitedLong = await AgedAsync(days: 40, endedDays: 29);
        JobDocument young = await AgedAsync(days: 29, endedDays: 29);
        JobRetentionStore retention = _api.Get<JobRetentionStore>();

        int deleted = await retention.DeleteOldAsync(DateTimeOffset.UtcNow.AddDays(-30), default);

        Assert.That(deleted, Is.EqualTo(1));
        Assert.That(await ThereAsync(old.Id, waitedLong.Id, young.Id), Is.EqualTo(new[] { false, true, true }));
    }

    [Test]
    public async Task Prompts_OfJobsOverForLonger_AreEmptiedInEveryField()
    {
        JobDocument first = await AgedAsync(days: 31, endedDays: 31, new { prompt = "a red apple", negative_prompt = "blurred" });
        JobDocument waited = await AgedAsync(days: 40, endedDays: 29, new { prompt = "a pear", negative_prompt = "worms" });
        var retention = new JobRetentionStore(_api.Get<NpgsqlDataSource>(), _api.Get<HotState>());

        long changed = await retention.ForgetPromptsAsync(DateTimeOffset.UtcNow.AddDays(-30), default);
        // One that waited long is due later, and is found although its id is older
        await ExecuteAsync($"UPDATE jobs SET finished_at = now() - interval '31 days' WHERE id = '{waited.Id}'");
        long later = await retention.ForgetPromptsAsync(DateTimeOffset.UtcNow.AddDays(-30), default);

        Assert.That(changed + later, Is.EqualTo(2));
        foreach (JobId id in new[] { first.Id, waited.Id })
        {
            var request = (Text2ImgRequest)(await _api.Jobs.FindAsync(id, null, default))!.ToDocument().Request!;
            Assert.That((request.Prompt, request.NegativePrompt, request.Width > 0), Is.EqualTo(("", "", true)));
        }

        Assert.That(await retention.ForgetPromptsAsync(DateTimeOffset.UtcNow.AddDays(-30), default), Is.Zero);
    }

    [Test]
    public async Task WebhookMessages_DeliveredOrGivenUp_AreDeletedAfterTheirTime()
    {
        JobDocument job = await SubmitAsync(new { prompt = "a", webhook_url = "https://example.org/hook" }, key: null);
        await _api.Jobs.CancelAsync(job.Id, null, default);
        JobRetentionStore retention = _api.Get<JobRetentionStore>();

        // One that is still to be delivered stays, however old
        await ExecuteAsync(
            $"""
            DELETE FROM webhook_deliveries WHERE job_id = '{job.Id}';
            INSERT INTO webhook_deliveries (account_id, job_id, event, url, created_at, next_at)
            SELECT account_id, id, e, '', now() - interval '31 days', n
            FROM jobs, (VALUES ('due', now() + interval '1 day'), ('over', NULL)) AS v (e, n) WHERE id = '{job.Id}'
            """
        );

        Assert.That(await retention.ForgetWebhooksAsync(DateTimeOffset.UtcNow.AddDays(-30), default), Is.EqualTo(1));
        WebhookStore webhooks = _api.Get<WebhookStore>();
        Assert.That((await webhooks.ListAsync(_api.Account, job.Id, 10, default)).Single().Event, Is.EqualTo("due"));
    }

    [Test]
    public async Task IdempotencyKeys_AfterTheirTime_AreForgottenWithTheirAnswers()
    {
        string key = Guid.NewGuid().ToString();
        await SubmitAsync(new { prompt = "a" }, key);
        IdempotencyStore idempotency = _api.Get<IdempotencyStore>();

        await idempotency.ForgetAsync(TimeSpan.FromHours(24), default);
        Assert.That(await idempotency.FindAsync(_api.Account, key, default), Is.Not.Null);
        await ExecuteAsync($"UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = '{key}'");
        await idempotency.ForgetAsync(TimeSpan.FromHours(24), default);
        Assert.That(await idempotency.FindAsync(_api.Account, key, default), Is.Null);
    }

    [Test]
    public async Task AuditEntries_AfterTheirTime_GoFromTheOldestAndTheRestCanBeVerified()
    {
        AuditLog audit = _api.Get<AuditLog>();
        for (int i = 0; i < 5; i++)
        {
            await audit.AppendAsync("test", "test.act", $"{i}", null, default);
        }

        (AuditSeal? seal, _) = await audit.SealAsync(replace: true, default);
        Assert.That(await audit.ForgetAsync(DateTimeOffset.UtcNow.AddDays(-1), default), Is.Zero);
        int forgotten = await audit.ForgetAsync(Later, default);
        await audit.AppendAsync("test", "test.act", "after", null, default);

        AuditCheck check = await audit.VerifyAsync(seal, default);
        Assert.That(forgotten, Is.GreaterThanOrEqualTo(4), "all but the newest, which the next is chained to");
        Assert.That((check.Entries, check.Problem), Is.EqualTo((2, (string?)null)));

        // A beginning that somebody else wrote is none
        await ExecuteAsync("UPDATE audit_beginning SET id = id + 1");
        Assert.That((await audit.VerifyAsync(null, default)).Problem, Does.Contain("was not written by this server"));
        await ExecuteAsync("UPDATE audit_beginning SET id = id - 1");
    }

    [Test]
    public void Defaults_KeepWhatNobodyAskedToDelete()
    {
        var options = new RetentionOptions();
        Assert.That((options.JobDays, options.PromptDays, options.AuditDays), Is.EqualTo(((int?)null, (int?)null, (int?)null)));
        Assert.That((options.WebhookDays, options.IdempotencyHours), Is.EqualTo((30, 24)));
    }

    private async Task<JobDocument> SubmitAsync(object body, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/text2img") { Content = JsonContent.Create(body) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using HttpResponseMessage answer = await _api.Client.SendAsync(request);
        Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
        return await ApiScope.ReadAsync<JobDocument>(answer);
    }

    /// <summary>A job that was submitted and ended so many days ago: its id says when it was made.</summary>
    private async Task<JobDocument> AgedAsync(int days, int endedDays, object? body = null)
    {
        JobDocument job = await _api.SubmitAsync(body);
        await _api.Jobs.CancelAsync(job.Id, null, default);
        var id = Guid.CreateVersion7(DateTimeOffset.UtcNow.AddDays(-days));
        await ExecuteAsync($"UPDATE jobs SET id = '{id}', finished_at = now() - interval '{endedDays} days' WHERE id = '{job.Id}'");
        return job with { Id = new JobId(id) };
    }

    private async Task<bool[]> ThereAsync(params JobId[] ids)
    {
        var there = new List<bool>();
        foreach (JobId id in ids)
        {
            there.Add(await _api.Jobs.FindAsync(id, null, default) is not null);
        }

        return [.. there];
    }

    private async Task<IReadOnlyList<LedgerTransaction>> LinesAsync(Guid account, JobId job) =>
        [.. (await _api.Get<Ledger>().TransactionsAsync(account, null, 1000, default)).Where(line => line.Job == job)];

    private Task<SweepResult> SweepAsync() => _api.Get<RetentionStore>().SweepAsync(Later, false, default);

    /// <summary>Tables with a row that has the id, other than those of the ledger and of operators' acts.</summary>
    private async Task<IReadOnlyList<string>> TextAsync(object id, params string[] without)
    {
        NpgsqlDataSource source = _api.Get<NpgsqlDataSource>();
        var tables = new List<string>();
        await using (
            NpgsqlCommand command = source.CreateCommand("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        )
        await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                tables.Add(reader.GetString(0));
            }
        }

        string text = id is JobId job ? job.Value.ToString() : id.ToString()!;
        var found = new List<string>();
        foreach (string table in tables.Except(without.Length > 0 ? without : ["ledger_lines", "audit_log"]))
        {
            await using NpgsqlCommand look = source.CreateCommand(
                $"SELECT count(*) FROM \"{table}\" t WHERE to_jsonb(t)::text LIKE '%{text}%' OR to_jsonb(t)::text LIKE '%secret garden%'"
            );
            if ((long)(await look.ExecuteScalarAsync())! > 0)
            {
                found.Add(table);
            }
        }

        return found;
    }

    private static async Task EventuallyAsync(Func<Task<bool>> isSo)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await isSo())
        {
            await Task.Delay(100, limit.Token);
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using NpgsqlCommand command = _api.Get<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
