using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Results;
using StackExchange.Redis;

namespace Generation.Api.Tests;

public sealed class JobsTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Get_WhileNothingChanges_Answers304AndThenTheChange()
    {
        JobDocument job = await _api.SubmitAsync();
        ClaimedJob claim = (await _api.Jobs.ClaimAsync(job.Id, "w", TimeSpan.FromMinutes(1), default))!;
        using HttpResponseMessage first = await EventuallyAsync(
            () => GetAsync(job.Id, null),
            async r => (await ApiScope.ReadAsync<JobDocument>(r)).State == JobState.Running
        );
        using HttpResponseMessage same = await GetAsync(job.Id, first.Headers.ETag);

        _api.Get<HotState>().ShowProgress(job.Id, claim.LeaseEpoch, new JobProgress(3, 25));
        using HttpResponseMessage changed = await EventuallyAsync(
            () => GetAsync(job.Id, first.Headers.ETag),
            r => r.StatusCode == HttpStatusCode.OK
        );

        Assert.That(same.StatusCode, Is.EqualTo(HttpStatusCode.NotModified));
        JobDocument running = await ApiScope.ReadAsync<JobDocument>(changed);
        Assert.That((running.State, running.Progress), Is.EqualTo((JobState.Running, new JobProgress(3, 25))));
    }

    [Test]
    public async Task Get_RedisFlushedAtAnyTime_IsRightAgain()
    {
        JobDocument job = await _api.SubmitAsync();
        await FlushAsync();
        Assert.That((await _api.PollAsync(job.Id)).State, Is.EqualTo(JobState.Queued));

        ClaimedJob claim = (await _api.Jobs.ClaimAsync(job.Id, "w", TimeSpan.FromMinutes(1), default))!;
        await FlushAsync();
        _api.Get<HotState>().ShowProgress(job.Id, claim.LeaseEpoch, new JobProgress(5, 25));
        JobDocument running = await EventuallyAsync(() => _api.PollAsync(job.Id), j => j.Progress?.Step == 5);
        Assert.That((running.State, running.Attempt), Is.EqualTo((JobState.Running, 1)));

        await _api.Jobs.CompleteAsync(job.Id, claim.LeaseEpoch, [], default);
        await FlushAsync();
        JobDocument done = await _api.PollAsync(job.Id);
        Assert.That((done.State, done.Progress), Is.EqualTo((JobState.Succeeded, (JobProgress?)null)));
    }

    [Test]
    public async Task Get_Queued_ShowsTheTrueOrderWithPriority()
    {
        JobDocument first = await _api.SubmitAsync(new { prompt = "a", priority = -50 });
        JobDocument second = await _api.SubmitAsync(new { prompt = "b", priority = -49 });

        JobDocument behind = await EventuallyAsync(() => _api.PollAsync(first.Id), j => j.Position == second.Position + 1);
        Assert.That(behind.State, Is.EqualTo(JobState.Queued));
    }

    [Test]
    public async Task List_Pages_GiveEveryJobOnceInOrder()
    {
        using HttpClient client = await _api.ClientOfNewAccountAsync();
        var submitted = new List<JobId>();
        for (int i = 0; i < 7; i++)
        {
            submitted.Add((await _api.SubmitAsync(client: client)).Id);
        }

        var seen = new List<JobId>();
        string? cursor = null;
        do
        {
            using HttpResponseMessage answer = await client.GetAsync($"/v1/jobs?limit=3{(cursor is null ? "" : "&cursor=" + cursor)}");
            JsonElement page = await ApiScope.ReadAsync<JsonElement>(answer);
            seen.AddRange(page.GetProperty("data").EnumerateArray().Select(j => JobId.Parse(j.GetProperty("id").GetString()!)));
            cursor = page.TryGetProperty("next_cursor", out JsonElement next) ? next.GetString() : null;
        } while (cursor is not null);

        Assert.That(seen, Is.EqualTo(submitted.AsEnumerable().Reverse()));
    }

    [Test]
    public async Task List_Filters_AreExact()
    {
        using HttpClient client = await _api.ClientOfNewAccountAsync();
        JobDocument finished = await _api.SubmitAsync(client: client);
        JobDocument waiting = await _api.SubmitAsync(client: client);
        await _api.FinishAsync(finished.Id);

        Assert.That(await IdsAsync("state=succeeded"), Is.EqualTo(new[] { finished.Id }));
        Assert.That(await IdsAsync("state=queued&kind=text2img&model=demo"), Is.EqualTo(new[] { waiting.Id }));
        Assert.That(await IdsAsync("order=asc"), Is.EqualTo(new[] { finished.Id, waiting.Id }));
        Assert.That(await IdsAsync("model=other"), Is.Empty);
        Assert.That(await IdsAsync("created_before=2020-01-01T00:00:00Z"), Is.Empty);
        Assert.That(await IdsAsync("prompt=RED"), Is.Not.Empty);
        Assert.That(await IdsAsync("prompt=not%20in%20any"), Is.Empty);

        async Task<JobId[]> IdsAsync(string query)
        {
            JsonElement page = await ApiScope.ReadAsync<JsonElement>(await client.GetAsync("/v1/jobs?" + query));
            return [.. page.GetProperty("data").EnumerateArray().Select(j => JobId.Parse(j.GetProperty("id").GetString()!))];
        }
    }

    [TestCase("DELETE", "")]
    [TestCase("POST", "/cancel")]
    public async Task Cancel_Queued_IsCancelledAtNoCostAndStaysSo(string method, string path)
    {
        JobDocument job = await _api.SubmitAsync();

        for (int i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), $"/v1/jobs/{job.Id}{path}");
            using HttpResponseMessage answer = await _api.Client.SendAsync(request);
            JobDocument cancelled = await ApiScope.ReadAsync<JobDocument>(answer);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That((cancelled.State, cancelled.Cost), Is.EqualTo((JobState.Cancelled, new JobCost(Credits.Zero, Credits.Zero))));
        }
    }

    [Test]
    public async Task Cancel_Running_IsToldToTheWorker()
    {
        JobDocument job = await _api.SubmitAsync();
        await _api.Jobs.ClaimAsync(job.Id, "w", TimeSpan.FromMinutes(1), default);
        var told = new TaskCompletionSource<JobId>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using IAsyncDisposable subscription = await _api.Get<HotState>()
            .SubscribeToCancelsAsync(id => told.TrySetResult(id), default);

        using HttpResponseMessage answer = await _api.Client.PostAsync($"/v1/jobs/{job.Id}/cancel", null);

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await ApiScope.ReadAsync<JobDocument>(answer)).CancelRequested, Is.True);
        Assert.That(await told.Task.WaitAsync(TimeSpan.FromMinutes(2)), Is.EqualTo(job.Id));
    }

    [Test]
    public async Task Output_Succeeded_GivesTheBytesWithTypeNameAndCacheHeaders()
    {
        JobDocument job = await _api.SubmitAsync();
        byte[] bytes = await _api.FinishAsync(job.Id);
        JobDocument done = await EventuallyAsync(() => _api.PollAsync(job.Id), j => j.State == JobState.Succeeded);

        using HttpResponseMessage answer = await _api.Client.GetAsync(done.Outputs[0].Url + "&download=true");

        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(bytes));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
        Assert.That(answer.Content.Headers.ContentDisposition!.DispositionType, Is.EqualTo("attachment"));
        Assert.That(answer.Content.Headers.ContentDisposition.FileName, Is.EqualTo($"demo-{job.Id}-0.png"));
        Assert.That(answer.Headers.CacheControl!.ToString(), Does.Contain("immutable"));
        Assert.That(answer.Headers.ETag!.Tag, Is.EqualTo($"\"{done.Outputs[0].Sha256}\""));
        using var again = new HttpRequestMessage(HttpMethod.Get, done.Outputs[0].Url);
        again.Headers.IfNoneMatch.Add(answer.Headers.ETag);
        Assert.That((await _api.Client.SendAsync(again)).StatusCode, Is.EqualTo(HttpStatusCode.NotModified));
    }

    [Test]
    public async Task Get_AcceptImage_GivesTheFirstOutput()
    {
        JobDocument job = await _api.SubmitAsync();
        byte[] bytes = await _api.FinishAsync(job.Id);
        await EventuallyAsync(() => _api.PollAsync(job.Id), j => j.State == JobState.Succeeded);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{job.Id}");
        request.Headers.Accept.ParseAdd("image/*");

        using HttpResponseMessage answer = await _api.Client.SendAsync(request);

        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(bytes));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
    }

    [Test]
    public async Task Thumbnail_Succeeded_IsFetchedByItsUrlWithoutAKey()
    {
        JobDocument job = await _api.SubmitAsync();
        byte[] bytes = await _api.FinishAsync(job.Id);
        JobDocument done = await EventuallyAsync(() => _api.PollAsync(job.Id), j => j.State == JobState.Succeeded);
        using HttpClient anyone = _api.ClientWith(null);

        using HttpResponseMessage answer = await anyone.GetAsync(done.Outputs[0].ThumbnailUrl);
        using HttpResponseMessage unsigned = await anyone.GetAsync($"/v1/jobs/{job.Id}/outputs/0/thumbnail");

        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(ApiScope.ThumbnailOf(bytes)));
        Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/jpeg"));
        Assert.That(answer.Headers.ETag!.Tag, Is.EqualTo($"\"{done.Outputs[0].ThumbnailSha256}\""));
        Assert.That(unsigned.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Output_NotThere_SaysWhy()
    {
        JobDocument job = await _api.SubmitAsync();
        Assert.That(await CodeAsync(0), Is.EqualTo((HttpStatusCode.Conflict, "job_not_finished")));

        await _api.FinishAsync(job.Id);
        JobDocument done = await EventuallyAsync(() => _api.PollAsync(job.Id), j => j.State == JobState.Succeeded);
        Assert.That(await CodeAsync(1), Is.EqualTo((HttpStatusCode.NotFound, "output_not_found")));

        await _api.Get<IResultsStore>().DeleteAsync(done.Outputs[0].Sha256, default);
        Assert.That(await CodeAsync(0), Is.EqualTo((HttpStatusCode.Gone, "output_gone")));

        async Task<(HttpStatusCode, string?)> CodeAsync(int index)
        {
            using HttpResponseMessage answer = await _api.Client.GetAsync($"/v1/jobs/{job.Id}/outputs/{index}");
            return (answer.StatusCode, (await ApiScope.ReadAsync<JsonElement>(answer)).GetProperty("code").GetString());
        }
    }

    private async Task<HttpResponseMessage> GetAsync(JobId id, EntityTagHeaderValue? known)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}");
        if (known is not null)
        {
            request.Headers.IfNoneMatch.Add(known);
        }

        return await _api.Client.SendAsync(request);
    }

    private async Task FlushAsync()
    {
        using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(_api.Redis + ",allowAdmin=true,asyncTimeout=60000");
        await redis.GetDatabase().ExecuteAsync("FLUSHDB");
    }

    /// <summary>What is shown in Redis is not waited for by whoever changed it.</summary>
    private static Task<T> EventuallyAsync<T>(Func<Task<T>> get, Func<T, bool> isRight) =>
        EventuallyAsync(get, value => Task.FromResult(isRight(value)));

    private static async Task<T> EventuallyAsync<T>(Func<Task<T>> get, Func<T, Task<bool>> isRight)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            T value = await get();
            if (await isRight(value))
            {
                return value;
            }

            await Task.Delay(10, limit.Token);
        }
    }
}
