using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;

namespace Generation.Api.Tests;

public sealed class JobEventsTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Events_AWholeLife_AreToldInOrderToEveryListener()
    {
        JobDocument job = await _api.SubmitAsync();
        await using Listener one = await Listener.ConnectAsync(_api, job.Id);
        await using Listener two = await Listener.ConnectAsync(_api, job.Id);
        Assert.That((await one.NextAsync()).Name, Is.EqualTo("queued"));
        Assert.That((await two.NextAsync()).Data.GetProperty("position").GetInt64(), Is.Positive);

        ClaimedJob claim = (await _api.Jobs.ClaimAsync(job.Id, "w", TimeSpan.FromMinutes(1), default))!;
        Assert.That((await one.NextAsync("started")).Data.GetProperty("state").GetString(), Is.EqualTo("running"));
        _api.Get<HotState>().ShowProgress(job.Id, claim.LeaseEpoch, new JobProgress(4, 25), [0x89, 0x50, 0x4E, 0x47]);
        Event progress = await one.NextAsync("progress");
        Assert.That(progress.Data.GetProperty("step").GetInt32(), Is.EqualTo(4));
        Assert.That(progress.Data.GetProperty("preview").GetString(), Is.EqualTo("data:image/png;base64,iVBORw=="));
        await _api.Jobs.CompleteAsync(job.Id, claim.LeaseEpoch, [], default);

        Assert.That((await one.NextAsync("finished")).Data.GetProperty("state").GetString(), Is.EqualTo("succeeded"));
        Assert.That(await one.EndsAsync());
        Assert.That((await two.NextAsync("finished")).Data.GetProperty("id").GetString(), Is.EqualTo(job.Id.ToString()));
    }

    [Test]
    public async Task Events_LastEventId_TellsOnlyWhatIsNew()
    {
        JobDocument job = await _api.SubmitAsync();
        string lastId;
        await using (Listener first = await Listener.ConnectAsync(_api, job.Id))
        {
            lastId = (await first.NextAsync("queued")).Id;
        }

        await _api.FinishAsync(job.Id);
        await using Listener second = await Listener.ConnectAsync(_api, job.Id, lastId);
        Event next = await second.NextAsync();
        Assert.That(next.Name, Is.EqualTo("started").Or.EqualTo("finished"));
        Event finished = next.Name == "finished" ? next : await second.NextAsync("finished");

        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{job.Id}/events");
        request.Headers.Add("Last-Event-ID", finished.Id);
        using HttpResponseMessage answer = await _api.Client.SendAsync(request);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [Test]
    public async Task Events_KeyIsRevoked_End()
    {
        JobDocument job = await _api.SubmitAsync();
        NewApiKey key = await _api.Get<ApiKeyStore>().CreateAsync(_api.Account, "k", [Scopes.Read], null, default);
        using HttpClient client = _api.ClientWith(key.Key);
        await using Listener other = await Listener.ConnectAsync(_api, job.Id);
        await using Listener listener = await Listener.ConnectAsync(_api, job.Id, client: client);
        await listener.NextAsync("queued");

        await _api.Get<ApiKeyStore>().RevokeAsync(key.Info.Id, default);

        // Words to keep the connection open would come first, were it to go on
        Assert.That(await listener.EndsAsync());
        // The job waits, and whoever has another key is told how it ends
        await _api.Client.DeleteAsync($"/v1/jobs/{job.Id}");
        Assert.That((await other.NextAsync("finished")).Data.GetProperty("state").GetString(), Is.EqualTo("cancelled"));
    }

    [Test]
    public async Task Wait_KeyIsRevoked_IsRefused()
    {
        NewApiKey key = await _api.Get<ApiKeyStore>().CreateAsync(_api.Account, "k", [Scopes.Jobs], null, default);
        using HttpClient client = _api.ClientWith(key.Key);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/text2img") { Content = JsonContent.Create(new { prompt = "a" }) };
        request.Headers.Add("Prefer", "wait=60");
        Task<HttpResponseMessage> waiting = client.SendAsync(request);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while ((await _api.Get<ApiKeyStore>().ListAsync(_api.Account, limit.Token)).Single(k => k.Id == key.Info.Id).LastUsedAt is null)
        {
            await Task.Delay(50, limit.Token);
        }

        await _api.Get<ApiKeyStore>().RevokeAsync(key.Info.Id, default);

        using HttpResponseMessage answer = await waiting;
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized), await answer.Content.ReadAsStringAsync());
    }

    [Test]
    public async Task Events_NoSuchJob_Is404()
    {
        using HttpResponseMessage answer = await _api.Client.GetAsync($"/v1/jobs/{JobId.New(TimeProvider.System)}/events");

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    private sealed record Event(string Id, string Name, JsonElement Data);

    private sealed class Listener(HttpResponseMessage answer, StreamReader reader) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));

        public static async Task<Listener> ConnectAsync(ApiScope api, JobId id, string? lastEventId = null, HttpClient? client = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}/events");
            if (lastEventId is not null)
            {
                request.Headers.Add("Last-Event-ID", lastEventId);
            }

            HttpResponseMessage answer = await (client ?? api.Client).SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/event-stream"));
            return new Listener(answer, new StreamReader(await answer.Content.ReadAsStreamAsync()));
        }

        /// <summary>The next event, or the next of a name.</summary>
        public async Task<Event> NextAsync(string? wanted = null)
        {
            var fields = new Dictionary<string, string>();
            while (await reader.ReadLineAsync(_limit.Token) is { } line)
            {
                if (line.Length > 0)
                {
                    int colon = line.IndexOf(':');
                    fields[line[..colon]] = line[(colon + 1)..].TrimStart();
                }
                else if (fields.TryGetValue("event", out string? name))
                {
                    if (wanted is null || name == wanted)
                    {
                        return new Event(fields["id"], name, JsonSerializer.Deserialize<JsonElement>(fields["data"]));
                    }

                    fields.Clear();
                }
            }

            throw new EndOfStreamException();
        }

        public async Task<bool> EndsAsync() => await reader.ReadLineAsync(_limit.Token) is null;

        public ValueTask DisposeAsync()
        {
            reader.Dispose();
            answer.Dispose();
            _limit.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
