using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage;

namespace Generation.Tests.Faces.Shared;

/// <summary>Blocking calls: what happens to their jobs when the client or the API goes.</summary>
public sealed class FaceCallTests
{
    /// <summary>Seconds of work on any machine: pictures of the model's largest size, in its most steps.</summary>
    private static readonly object Slow = new { prompt = "a red apple", n = 4, width = 1024, height = 1024, num_inference_steps = 150, response_format = "b64_json", seed = 3 };

    private FaceStack _stack = null!;

    [OneTimeSetUp]
    public async Task Start() => _stack = await FaceStack.GetAsync();

    [Test]
    public async Task Call_ClientHangsUp_CancelsItsJob()
    {
        FaceUser user = await _stack.Api.NewUserAsync();
        using HttpClient client = _stack.Api.Client(user);
        using var patience = new CancellationTokenSource();
        Task<HttpResponseMessage> call = client.PostAsJsonAsync("/v1/images/generations", Slow, patience.Token);
        JobDocument job = await FirstJobAsync(_stack.Api, user);

        await patience.CancelAsync();

        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        Assert.That((await EndAsync(_stack.Api, user, job.Id)).State, Is.EqualTo(JobState.Cancelled));
    }

    [Test]
    public async Task Call_ClientHangsUpWhereThatIsNotToCancel_LeavesTheJobForTheSameCall()
    {
        FaceUser user = await _stack.Api.NewUserAsync();
        await using FaceApi api = _stack.StartApi(0, ("Faces:CancelOnDisconnect", "false"));
        using HttpClient client = api.Client(user);
        using var patience = new CancellationTokenSource();
        var body = new { prompt = "a red apple", width = 256, height = 256, num_inference_steps = 100, response_format = "b64_json" };
        Task<HttpResponseMessage> call = client.PostAsJsonAsync("/v1/images/generations", body, patience.Token);
        JobDocument job = await FirstJobAsync(api, user);
        await patience.CancelAsync();
        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        Assert.That((await EndAsync(api, user, job.Id)).State, Is.EqualTo(JobState.Succeeded));

        using HttpResponseMessage answer = await client.PostAsJsonAsync("/v1/images/generations", body, FaceStack.Limit());
        using HttpResponseMessage another = await client.PostAsJsonAsync("/v1/images/generations", body, FaceStack.Limit());

        Assert.That(answer.Headers.GetValues("x-job-id").Single(), Is.EqualTo(job.Id.ToString()));
        Assert.That(another.Headers.GetValues("x-job-id").Single(), Is.Not.EqualTo(job.Id.ToString()), "what was answered is not given again");
    }

    [TestCase("x-stainless-retry-count", "1")]
    [TestCase("Idempotency-Key", "order-77")]
    public async Task Call_ApiRestarts_TheSameCallGetsTheSameJob(string header, string value)
    {
        FaceUser user = await _stack.Api.NewUserAsync();
        int port = FaceStack.FreePort();
        FaceApi first = _stack.StartApi(port);
        Task<HttpResponseMessage> call = SendAsync(first, "x-stainless-retry-count", "0");
        JobDocument job = await FirstJobAsync(first, user);
        await first.DisposeAsync();
        try
        {
            // Told to come again, or cut off: as the server had time
            using HttpResponseMessage cut = await call;
            Assert.That(cut.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(cut.Headers.RetryAfter, Is.Not.Null);
        }
        catch (HttpRequestException)
        {
        }

        await using FaceApi second = _stack.StartApi(port);
        using HttpResponseMessage answer = await SendAsync(second, "x-stainless-retry-count", "1");

        JsonElement json = await answer.Content.ReadFromJsonAsync<JsonElement>(FaceStack.Limit());
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), json.GetRawText());
        Assert.That(answer.Headers.GetValues("x-job-id").Single(), Is.EqualTo(job.Id.ToString()));
        Assert.That(json.GetProperty("data").GetArrayLength(), Is.EqualTo(1));
        Assert.That(await second.JobsAsync(user), Has.Count.EqualTo(1));

        async Task<HttpResponseMessage> SendAsync(FaceApi api, string count, string number)
        {
            HttpClient client = api.Client(user);
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/images/generations")
            {
                Content = JsonContent.Create(new { prompt = "a red apple", width = 1024, height = 1024, num_inference_steps = 150, response_format = "b64_json" }),
            };
            request.Headers.Add(count, number);
            if (header != count)
            {
                request.Headers.Add(header, value);
            }

            return await client.SendAsync(request, FaceStack.Limit());
        }
    }

    [Test]
    public async Task Call_TwiceAtOnce_MakesTwoJobs()
    {
        FaceUser user = await _stack.Api.NewUserAsync();
        using HttpClient client = _stack.Api.Client(user);
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => client.PostAsJsonAsync(
            "/v1/images/generations", new { prompt = "a", width = 64, height = 64, steps = 20, response_format = "b64_json" }, FaceStack.Limit())));

        Assert.That(answers.Select(a => a.StatusCode), Is.All.EqualTo(HttpStatusCode.OK));
        Assert.That(answers.Select(a => a.Headers.GetValues("x-job-id").Single()).Distinct().Count(), Is.EqualTo(2));
    }

    [Test]
    public async Task PendingCalls_WaiterAlive_IsTakenOnlyByItsOwnRepeatedCall()
    {
        PendingCalls pending = _stack.Api.Get<PendingCalls>();
        string request = Guid.NewGuid().ToString("N");
        JobId job = JobId.New(TimeProvider.System);
        await pending.AddAsync(request, "call-1", 0, job, TimeSpan.FromMinutes(1), default);

        Assert.That(await pending.TakeAsync(request, false, default), Is.Null);
        Assert.That(await pending.TakeAsync(request, true, default), Is.EqualTo("call-1"));
        Assert.That(await pending.JobsAsync("call-1", default), Is.EqualTo(new Dictionary<int, JobId> { [0] = job }));
        await pending.LeaveAsync("call-1", default);
        Assert.That(await pending.TakeAsync(request, false, default), Is.EqualTo("call-1"));
        await pending.RemoveAsync(request, "call-1", default);
        Assert.That(await pending.TakeAsync(request, true, default), Is.Null);
    }

    private static async Task<JobDocument> FirstJobAsync(FaceApi api, FaceUser user)
    {
        CancellationToken limit = FaceStack.Limit();
        while (true)
        {
            if (await api.JobsAsync(user) is [var job, ..])
            {
                return job;
            }

            await Task.Delay(20, limit);
        }
    }

    private static async Task<JobDocument> EndAsync(FaceApi api, FaceUser user, JobId id)
    {
        CancellationToken limit = FaceStack.Limit();
        while (true)
        {
            JobDocument job = (await api.JobsAsync(user)).Single(j => j.Id == id);
            if (job.State.IsFinal())
            {
                return job;
            }

            await Task.Delay(50, limit);
        }
    }
}
