using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Audit;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using Generation.Storage.Retention;
using Generation.Storage.Workers;
using Npgsql;

namespace Generation.Api.Tests;

public sealed class AdminTests
{
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

    [Test]
    public async Task Admin_KeyWithoutTheScope_Is403()
    {
        Assert.That((await _api.Client.GetAsync("/v1/admin/accounts")).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That(
            (await _api.Client.PostAsJsonAsync("/v1/admin/accounts", new { name = "x" })).StatusCode,
            Is.EqualTo(HttpStatusCode.Forbidden)
        );
    }

    [Test]
    public async Task Accounts_MadeChangedAndToppedUp_AreSo()
    {
        string name = Guid.NewGuid().ToString();
        JsonElement account = await JsonAsync(await _admin.PostAsJsonAsync("/v1/admin/accounts", new { name }), 201);
        string id = account.GetProperty("id").GetString()!;
        Assert.That(account.GetProperty("balance").GetDecimal(), Is.EqualTo(25));
        await JsonAsync(await _admin.PostAsJsonAsync("/v1/admin/accounts", new { name }), 409);

        JsonElement changed = await JsonAsync(
            await _admin.PatchAsJsonAsync($"/v1/admin/accounts/{id}", new { weight = 3, limits = new { queued_jobs = 1 } }),
            200
        );
        Assert.That(changed.GetProperty("weight").GetInt32(), Is.EqualTo(3));
        await JsonAsync(await _admin.PatchAsJsonAsync($"/v1/admin/accounts/{id}", new { limits = new { queue_jobs = 1 } }), 422);
        await JsonAsync(await _admin.PatchAsJsonAsync($"/v1/admin/accounts/{id}", new { limits = new { queued_jobs = "many" } }), 422);

        JsonElement richer = await JsonAsync(
            await _admin.PostAsJsonAsync(
                $"/v1/admin/accounts/{id}/credits",
                new
                {
                    entry = "top_up",
                    amount = 2.5,
                    note = "paid",
                }
            ),
            200
        );
        Assert.That(richer.GetProperty("balance").GetDecimal(), Is.EqualTo(27.5m));
        await JsonAsync(await _admin.PostAsJsonAsync($"/v1/admin/accounts/{id}/credits", new { entry = "hold", amount = 1 }), 422);
        await JsonAsync(await _admin.PostAsJsonAsync($"/v1/admin/accounts/{id}/credits", new { entry = "grant", amount = 0 }), 422);

        JsonElement key = await JsonAsync(
            await _admin.PostAsJsonAsync($"/v1/admin/accounts/{id}/keys", new { name = "k", scopes = new[] { "jobs" } }),
            201
        );
        using HttpClient client = _api.ClientWith(key.GetProperty("key").GetString());
        Assert.That((await client.PostAsJsonAsync("/v1/text2img", new { prompt = "a" })).StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((int)(await client.PostAsJsonAsync("/v1/text2img", new { prompt = "a" })).StatusCode, Is.EqualTo(429), "its own limit");

        await JsonAsync(await _admin.DeleteAsync($"/v1/admin/keys/{key.GetProperty("info").GetProperty("id").GetString()}"), 200);
        await JsonAsync(await _admin.PatchAsJsonAsync($"/v1/admin/accounts/{Guid.NewGuid()}", new { weight = 3 }), 404);
    }

    [Test]
    public async Task Requeue_RunningJob_GoesToAnotherWorker()
    {
        JobDocument job = await _api.SubmitAsync();
        await JsonAsync(await _admin.PostAsync($"/v1/admin/jobs/{job.Id}/requeue", null), 409);
        ClaimedJob lost = (await _api.Jobs.ClaimAsync(job.Id, "stuck", TimeSpan.FromHours(1), default))!;

        await JsonAsync(await _admin.PostAsync($"/v1/admin/jobs/{job.Id}/requeue", null), 200);

        ClaimedJob next = (await _api.Jobs.ClaimAsync(job.Id, "other", TimeSpan.FromMinutes(1), default))!;
        Assert.That(await _api.Jobs.CompleteAsync(job.Id, lost.LeaseEpoch, [], default), Is.EqualTo(FencedOutcome.Lost));
        Assert.That(await _api.Jobs.CompleteAsync(job.Id, next.LeaseEpoch, [], default), Is.EqualTo(FencedOutcome.Done));
    }

    [Test]
    public async Task Workers_Drained_AreTold()
    {
        WorkerRegistry workers = _api.Get<WorkerRegistry>();
        await workers.RegisterAsync(new WorkerRegistration("drainable", [ApiScope.Demo], 1, null), default);

        Assert.That((await _admin.PostAsync("/v1/admin/workers/drainable/drain", null)).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await workers.HeartbeatAsync("drainable", [], default)).Draining);
        JsonElement list = await JsonAsync(await _admin.GetAsync("/v1/admin/workers"), 200);
        Assert.That(
            list.GetProperty("data")
                .EnumerateArray()
                .Single(w => w.GetProperty("id").GetString() == "drainable")
                .GetProperty("draining")
                .GetBoolean()
        );
        await _admin.PostAsync("/v1/admin/workers/drainable/undrain", null);
        Assert.That((await workers.HeartbeatAsync("drainable", [], default)).Draining, Is.False);
        Assert.That((await _admin.PostAsync("/v1/admin/workers/none/drain", null)).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        await workers.RemoveAsync("drainable", default);
    }

    [Test]
    public async Task Audit_AfterActs_IsAChainThatShowsTampering()
    {
        AuditLog audit = _api.Get<AuditLog>();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(i => _admin.PostAsync($"/v1/admin/workers/w{i}/drain", null)));
        AuditCheck whole = await audit.VerifyAsync(null, default);
        Assert.That((whole.Entries >= 10, whole.Problem), Is.EqualTo((true, (string?)null)));
        JsonElement list = await JsonAsync(await _admin.GetAsync("/v1/admin/audit?limit=5"), 200);
        Assert.That(list.GetProperty("data").GetArrayLength(), Is.EqualTo(5));

        Assert.That(() => ExecuteAsync("UPDATE audit_log SET target = 'x' WHERE id = 3"), Throws.InstanceOf<PostgresException>());
        await ExecuteAsync(
            "ALTER TABLE audit_log DISABLE TRIGGER audit_log_only_grows; UPDATE audit_log SET target = target || 'x' WHERE id = 3"
        );
        Assert.That((await audit.VerifyAsync(null, default)).Problem, Does.StartWith("Entry 3 is missing or was changed"));
        await ExecuteAsync(
            "UPDATE audit_log SET target = left(target, -1) WHERE id = 3; ALTER TABLE audit_log ENABLE TRIGGER audit_log_only_grows"
        );
        Assert.That((await audit.VerifyAsync(null, default)).Problem, Is.Null);
    }

    [Test]
    public async Task LedgerCheck_AtAnyMoment_IsRight()
    {
        JsonElement check = await JsonAsync(await _admin.GetAsync("/v1/admin/ledger/check"), 200);

        Assert.That(check.GetProperty("is_right").GetBoolean());
        Assert.That(check.GetProperty("sum").GetDecimal(), Is.Zero);
    }

    [Test]
    public async Task Outputs_AfterTheirTimeOrByTheOwner_AreGoneAndTheJobSaysSo([Values] bool byOwner)
    {
        JobDocument job = await _api.SubmitAsync();
        await _api.FinishAsync(job.Id);
        JobRow done = (await _api.Jobs.FindAsync(job.Id, null, default))!;
        RetentionStore retention = _api.Get<RetentionStore>();
        if (byOwner)
        {
            Assert.That((await _api.Client.DeleteAsync($"/v1/jobs/{job.Id}/outputs")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        }
        else
        {
            Assert.That(await retention.ExpireOutputsAsync(1, default), Is.Zero);
            await ExecuteAsync($"UPDATE jobs SET finished_at = now() - interval '25 hours' WHERE id = '{job.Id}'");
            Assert.That(await retention.ExpireOutputsAsync(1, default), Is.EqualTo(1));
        }

        Assert.That(await _api.Get<IResultsStore>().OpenAsync(done.Outputs[0].Sha256, default) is { } still);
        Assert.That((await retention.SweepAsync(DateTimeOffset.UtcNow.AddHours(-1), false, default)).Deleted, Is.Zero, "too young");
        Assert.That(
            await retention.SweepAsync(DateTimeOffset.UtcNow.AddMinutes(1), false, default),
            Is.EqualTo(new SweepResult(2)),
            "the picture and its thumbnail"
        );
        Assert.That(await _api.Get<IResultsStore>().OpenAsync(done.Outputs[0].Sha256, default), Is.Null);
        Assert.That(await _api.Get<IResultsStore>().OpenAsync(done.Outputs[0].Thumbnail!, default), Is.Null);
        JobRow now = (await _api.Jobs.FindAsync(job.Id, null, default))!;
        Assert.That((now.Outputs.Count, now.OutputsDeletedAt is not null, now.State), Is.EqualTo((0, true, JobState.Succeeded)));
    }

    [Test]
    public async Task Outputs_OfAnAccountWithARetentionOfItsOwn_GoByThat()
    {
        await JsonAsync(
            await _admin.PatchAsJsonAsync($"/v1/admin/accounts/{_api.Account}", new { limits = new { retention_days = 3 } }),
            200
        );
        JobDocument own = await _api.SubmitAsync();
        await _api.FinishAsync(own.Id);
        using HttpClient client = await _api.ClientOfNewAccountAsync();
        JobDocument usual = await _api.SubmitAsync(client: client);
        await _api.FinishAsync(usual.Id);
        RetentionStore retention = _api.Get<RetentionStore>();

        Assert.That(await GoneAfterAsync(hours: 25), Is.EqualTo((false, true)), "one day by default");
        Assert.That(await GoneAfterAsync(hours: 71), Is.EqualTo((false, true)));
        Assert.That(await GoneAfterAsync(hours: 73), Is.EqualTo((true, true)));
        await JsonAsync(await _admin.PatchAsJsonAsync($"/v1/admin/accounts/{_api.Account}", new { limits = new { } }), 200);

        async Task<(bool Own, bool Usual)> GoneAfterAsync(int hours)
        {
            await ExecuteAsync($"UPDATE jobs SET finished_at = now() - interval '{hours} hours' WHERE id IN ('{own.Id}', '{usual.Id}')");
            await retention.ExpireOutputsAsync(1, default);
            return (
                (await _api.Jobs.FindAsync(own.Id, null, default))!.OutputsDeletedAt is not null,
                (await _api.Jobs.FindAsync(usual.Id, null, default))!.OutputsDeletedAt is not null
            );
        }
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer, int status)
    {
        string text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), text);
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using NpgsqlCommand command = _api.Get<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
