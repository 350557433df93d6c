using System.Net;
using System.Text.Json;
using Generation.Api.Dispatch;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.Storage.Workers;
using Microsoft.Extensions.Hosting;

namespace Generation.Api.Tests;

/// <summary>Models that operators pause.</summary>
public sealed class PauseTests
{
    [Test, CancelAfter(240_000)]
    public async Task PausedModel_TakesJobsThatWait_UntilItIsResumed(CancellationToken token)
    {
        await using ApiScope api = await ApiScope.CreateAsync();
        using HttpClient admin = await api.ClientOfNewAccountAsync(10, Scopes.Admin);
        await using DispatchTests.TestWorker worker = await DispatchTests.TestWorker.StartAsync(api, "w1", slots: 4);
        CommandSender sender = api.Get<CommandSender>();
        while (!sender.IsOpen("demo"))
        {
            await Task.Delay(20, token);
        }

        using HttpResponseMessage paused = await admin.PostAsync("/v1/admin/models/demo/pause", null, token);
        Assert.That(paused.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        // From the first round on that has seen it
        while (sender.IsOpen("demo"))
        {
            await Task.Delay(20, token);
        }

        JobDocument job = await api.SubmitAsync();
        while ((await api.PollAsync(job.Id)).WaitingNotice?.Code != "model_paused")
        {
            await Task.Delay(20, token);
        }

        await api.Get<IEnumerable<IHostedService>>().OfType<Dispatcher>().Single().DispatchAsync(token);
        // A worker that comes anew, or changes the model's entry, changes nothing of it
        await api.Get<WorkerRegistry>().RegisterAsync(new WorkerRegistration("w2", [ApiScope.Demo], 1, null), token);
        DispatchWindow window = (await api.Get<Outbox>().WindowsAsync(token)).Single();
        Assert.That((window.Paused, window.InFlight, window.Waiting), Is.EqualTo((true, 0, 1)));
        // Nor does another API, as one that was started again
        using HttpClient other = api.ClientOfAnotherApi();
        using var model = JsonDocument.Parse(await other.GetStringAsync("/v1/models/demo", token));
        Assert.That(model.RootElement.GetProperty("paused").GetBoolean());
        using var load = JsonDocument.Parse(await other.GetStringAsync("/v1/system/load", token));
        Assert.That(load.RootElement.GetProperty("models").GetProperty("demo").GetProperty("paused").GetBoolean());

        using HttpResponseMessage resumed = await admin.PostAsync("/v1/admin/models/demo/resume", null, token);
        Assert.That(resumed.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await worker.NextAsync(), Is.EqualTo(job.Id));
        using var audit = JsonDocument.Parse(await admin.GetStringAsync("/v1/admin/audit", token));
        Assert.That(
            audit.RootElement.GetProperty("data").EnumerateArray().Select(entry => entry.GetProperty("action").GetString()),
            Is.EqualTo(["model.resume", "model.pause"])
        );
    }

    [Test, CancelAfter(120_000)]
    public async Task Pause_OfNoModelOrByNoOperator_IsRefused(CancellationToken token)
    {
        await using ApiScope api = await ApiScope.CreateAsync();
        using HttpClient admin = await api.ClientOfNewAccountAsync(10, Scopes.Admin);

        using HttpResponseMessage none = await admin.PostAsync("/v1/admin/models/none/pause", null, token);
        Assert.That(none.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        using HttpResponseMessage refused = await api.Client.PostAsync("/v1/admin/models/demo/pause", null, token);
        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
    }
}
