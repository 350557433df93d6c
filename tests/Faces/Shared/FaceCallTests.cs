using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Faces;
using Generation.TestSupport;

namespace Generation.Faces.Tests.Shared;

/// <summary>Blocking calls: what happens to their jobs when the client or the API goes.</summary>
public sealed class FaceCallTests
{
    private static readonly object Small = new
    {
        prompt = "a red apple",
        width = 64,
        height = 64,
        num_inference_steps = 6,
        response_format = "b64_json",
    };

    private FaceStack _stack = null!;

    [OneTimeSetUp]
    public async Task Start() => _stack = await FaceStack.GetAsync();

    [Test]
    public async Task Call_ClientHangsUp_CancelsItsJob()
    {
        FaceUser user = await _stack.Api.NewUserAsync();
        using HttpClient client = _stack.Api.Client(user);
        using var patience = new CancellationTokenSource();
        using JobHold hold = FaceStack.Holds.AtStep(2);
        Task<HttpResponseMessage> call = client.PostAsJsonAsync("/v1/images/generations", Small, patience.Token);
        await hold.ReachedAsync();
        JobDocument job = (await _stack.Api.JobsAsync(user)).Single();

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
        using JobHold hold = FaceStack.Holds.AtStep(2);
        Task<HttpResponseMessage> call = client.PostAsJsonAsync("/v1/images/generations", Small, patience.Token);
        await hold.ReachedAsync();
        JobDocument job = (await api.JobsAsync(user)).Single();
        await patience.CancelAsync();
        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        hold.Release();
        Assert.That((await EndAsync(api, user, job.Id)).State, Is.EqualTo(JobState.Succeeded));

        using HttpResponseMessage answer = await client.PostAsJsonAsync("/v1/images/generations", Small, FaceStack.Limit());
        using HttpResponseMessage another = await client.PostAsJsonAsync("/v1/images/generations", Small, FaceStack.Limit());

        Assert.That(answer.Headers.GetValues("x-job-id").Single(), Is.EqualTo(job.Id.ToString()));
        Assert.That(
            another.Headers.GetValues("x-job-id").Single(),
            Is.Not.EqualTo(job.Id.ToString()),
            "what was answered is not given again"
        );
    }

    [TestCase("x-stainless-retry-count", "1")]
    [TestCase("Idempotency-Key", "order-77")]
    public async Task Call_ApiRestarts_TheSameCallGetsTheSameJob(string header, string value)
    {
        FaceUser user = await _stack.Api.NewUserAsync();
        FaceApi first = _stack.StartApi(0);
        using JobHold hold = FaceStack.Holds.AtStep(2);
        Task<HttpResponseMessage> call = SendAsync(first, "x-stainless-retry-count", "0");
        await hold.ReachedAsync();
        JobDocument job = (await first.JobsAsync(user)).Single();
        await first.DisposeAsync();
        try
        {
            // Told to come again, or cut off: as the server had time
            using HttpResponseMessage cut = await call;
            Assert.That(cut.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(cut.Headers.RetryAfter, Is.Not.Null);
        }
        catch (HttpRequestException) { }

        await using FaceApi second = _stack.StartApi(0);
        Task<HttpResponseMessage> again = SendAsync(second, "x-stainless-retry-count", "1");
        hold.Release();
        using HttpResponseMessage answer = await again;

        JsonElement json = await answer.Content.ReadFromJsonAsync<JsonElement>(FaceStack.Limit());
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), json.GetRawText());
        Assert.That(answer.Headers.GetValues("x-job-id").Single(), Is.EqualTo(job.Id.ToString()));
        Assert.That(json.GetProperty("data").GetArrayLength(), Is.EqualTo(1));
        Assert.That(await second.JobsAsync(user), Has.Count.EqualTo(1));

        async Task<HttpResponseMessage> SendAsync(FaceApi api, string count, string number)
        {
            HttpClient client = api.Client(user);
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/images/generations") { Content = JsonContent.Create(Small) };
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
        HttpResponseMessage[] answers = await Task.WhenAll(
            Enumerable
                .Range(0, 2)
                .Select(_ =>
                    client.PostAsJsonAsync(
                        "/v1/images/generations",
                        new
                        {
                            prompt = "a",
                            width = 64,
                            height = 64,
                            steps = 20,
                            response_format = "b64_json",
                        },
                        FaceStack.Limit()
                    )
                )
        );

        Assert.That(answers.Select(a => a.StatusCode), Is.All.EqualTo(HttpStatusCode.OK));
        Assert.That(answers.Select(a => a.Headers.GetValues("x-job-id").Single()).Distinct().Count(), Is.EqualTo(2));
    }

    [Test]
    public async Task PendingCalls_WaiterAlive_IsTakenOnlyByItsOwnRepeatedCall()
    {
        PendingCalls pending = _stack.Api.Get<PendingCalls>();
        string request = Guid.NewGuid().ToString("N");
        var job = JobId.New(TimeProvider.System);
        await pending.AddAsync(request, "call-1", 0, job, TimeSpan.FromMinutes(1), default);

        Assert.That(await pending.TakeAsync(request, false, default), Is.Null);
        Assert.That(await pending.TakeAsync(request, true, default), Is.EqualTo("call-1"));
        Assert.That(await pending.JobsAsync("call-1", default), Is.EqualTo(new Dictionary<int, JobId> { [0] = job }));
        await pending.LeaveAsync("call-1", default);
        Assert.That(await pending.TakeAsync(request, false, default), Is.EqualTo("call-1"));
        await pending.RemoveAsync(request, "call-1", default);
        Assert.That(await pending.TakeAsync(request, true, default), Is.Null);
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
