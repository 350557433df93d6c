using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.History;
using Generation.Storage.Jobs;

namespace Generation.Api.Tests;

public sealed class HistoryTests
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
    public async Task History_AfterAJobEnded_TellsOfIt()
    {
        JobDocument job = await _api.SubmitAsync();
        await _api.Jobs.CancelAsync(job.Id, null, default);
        // As the recorder does it, a little later
        SystemLoad load = await _api.Get<LoadReader>().ReadAsync(default);
        await _api.Get<LoadHistory>().RecordAsync(load with { At = load.At.AddSeconds(30) }, default);

        JsonElement history = await _admin.GetFromJsonAsync<JsonElement>("/v1/admin/history?range=2h");

        JsonElement[] points = [.. history.GetProperty("points").EnumerateArray()];
        Assert.That(points.Sum(point => point.GetProperty("cancelled").GetInt32()), Is.EqualTo(1));
        Assert.That(history.GetProperty("step_seconds").GetDouble(), Is.EqualTo(10));
        Assert.That(history.GetProperty("models").EnumerateArray().Select(model => model.GetString()), Does.Contain(job.Model));
        JsonElement one = await _admin.GetFromJsonAsync<JsonElement>($"/v1/admin/history?range=2h&model={job.Model}");
        Assert.That(one.GetProperty("points").EnumerateArray().Sum(point => point.GetProperty("cancelled").GetInt32()), Is.EqualTo(1));
    }

    [Test]
    public async Task History_WrongRange_IsTold()
    {
        using HttpResponseMessage answer = await _admin.GetAsync("/v1/admin/history?range=1y");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("15m, 2h, 24h, 7d, 30d"));
    }

    [Test]
    public async Task History_KeyWithoutTheScope_Is403() =>
        Assert.That((await _api.Client.GetAsync("/v1/admin/history")).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
}
