using System.Net.Http.Json;
using System.Text.Json;
using Generation.Contracts;
using Generation.TestSupport;

namespace Generation.Faces.Tests.A1111;

/// <summary>What is told of a call while it runs, and how it is stopped: each account sees and stops its own.</summary>
public sealed class A1111ProgressTests : A1111Tests
{
    private const string Progress = "/sdapi/v1/progress";
    private const string Small = """{"prompt":"a red apple","steps":12,"width":64,"height":64""";

    [Test]
    public async Task Progress_OfARunningCall_HasItsStepAndPreview()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        using HttpClient other = ClientOf(await Api.NewUserAsync());
        // Both before the job, for a hold is for later jobs
        using JobHold first = FaceStack.Holds.AtStep(4);
        using JobHold second = FaceStack.Holds.AtStep(8);
        Task<FaceAnswer> call = client.SendAsync(Text2Img, Small + ""","force_task_id":"task(1)"}""");
        await FaceStack.ReleaseBeforeAPreviewAsync(first);
        await second.ReachedAsync();

        JsonElement progress = await UntilAsync(client, p => p.GetProperty("current_image").ValueKind == JsonValueKind.String);
        JsonElement without = await GetAsync(client, Progress + "?skip_current_image=true");
        JsonElement task = await PostAsync(client, "/internal/progress", """{"id_task":"task(1)","id_live_preview":-1}""");
        JsonElement theirs = await GetAsync(other, Progress);
        second.Release();
        FaceAnswer answer = await call;

        JsonElement state = progress.GetProperty("state");
        Assert.That(progress.GetProperty("progress").GetDouble(), Is.GreaterThan(0.01).And.LessThan(1));
        Assert.That(
            (
                state.GetProperty("job_count").GetInt32(),
                state.GetProperty("job_no").GetInt32(),
                state.GetProperty("sampling_steps").GetInt32()
            ),
            Is.EqualTo((1, 0, 12))
        );
        Assert.That(progress.GetProperty("current_image").GetBytesFromBase64(), Is.Not.Empty);
        Assert.That(without.GetProperty("current_image").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(
            (task.GetProperty("active").GetBoolean(), task.GetProperty("queued").GetBoolean(), task.GetProperty("completed").GetBoolean()),
            Is.EqualTo((true, false, false))
        );
        Assert.That(task.GetProperty("live_preview").GetString(), Does.StartWith("data:image/"));
        Assert.That(theirs.GetProperty("state").GetProperty("job_count").GetInt32(), Is.Zero, "of another account");
        Assert.That((int)answer.Status, Is.EqualTo(200));
        JsonElement done = await PostAsync(client, "/internal/progress", """{"id_task":"task(1)"}""");
        Assert.That((done.GetProperty("active").GetBoolean(), done.GetProperty("completed").GetBoolean()), Is.EqualTo((false, true)));
        Assert.That((await GetAsync(client, Progress)).GetProperty("progress").GetDouble(), Is.Zero);
    }

    [Test]
    public async Task Interrupt_OfARunningCall_EndsItWithWhatIsThere()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        using HttpClient native = Api.Client(user);
        using HttpClient other = ClientOf(await Api.NewUserAsync());
        // Both before the job, for a hold is for later jobs
        using JobHold first = FaceStack.Holds.AtStep(4);
        using JobHold second = FaceStack.Holds.AtStep(8);
        Task<FaceAnswer> call = client.SendAsync(Text2Img, Small + ""","seed":5}""");
        await FaceStack.ReleaseBeforeAPreviewAsync(first);
        await second.ReachedAsync();
        await UntilAsync(client, p => p.GetProperty("current_image").ValueKind == JsonValueKind.String);
        using HttpResponseMessage own = await native.PostAsJsonAsync(
            "/v1/text2img",
            new
            {
                prompt = "a pear",
                width = 64,
                height = 64,
            },
            FaceStack.Limit()
        );

        await PostAsync(other, "/sdapi/v1/interrupt", "");
        Assert.That(call.IsCompleted, Is.False, "another account's");
        await PostAsync(client, "/sdapi/v1/interrupt", "");
        second.Release();
        FaceAnswer answer = await call;

        Assert.That((int)answer.Status, Is.EqualTo(200), answer.Json.ToString());
        Assert.That(answer["images"].GetArrayLength(), Is.EqualTo(1), "the unfinished picture");
        Assert.That(Info(answer.Json).GetProperty("infotexts").GetArrayLength(), Is.EqualTo(1));
        Assert.That(Info(answer.Json).GetProperty("infotexts")[0].GetString(), Does.Contain("Steps: 12, Sampler: Euler"));
        IReadOnlyList<JobDocument> jobs = await Api.JobsAsync(user);
        Assert.That(
            jobs.Where(j => ((Text2ImgRequest)j.Request!).Prompt == "a red apple").Select(j => j.State),
            Has.Some.EqualTo(JobState.Cancelled)
        );
        Assert.That(
            jobs.Single(j => ((Text2ImgRequest)j.Request!).Prompt == "a pear").State,
            Is.Not.EqualTo(JobState.Cancelled),
            "jobs that are not of this face are not its to stop"
        );
    }

    [Test]
    public async Task Skip_OfOneOfTwo_LetsTheOtherGoOn()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        using JobHold hold = FaceStack.Holds.AtStep(2);
        Task<FaceAnswer> call = client.SendAsync(Text2Img, Small + ""","n_iter":2,"seed":5}""");
        await hold.ReachedAsync();
        JsonElement state = (await GetAsync(client, Progress)).GetProperty("state");
        await PostAsync(client, "/sdapi/v1/skip", "");
        hold.Release();
        FaceAnswer answer = await call;

        Assert.That((int)answer.Status, Is.EqualTo(200), answer.Json.ToString());
        Assert.That(state.GetProperty("job_count").GetInt32(), Is.EqualTo(2));
        Assert.That((await Api.JobsAsync(user)).Select(j => j.State), Is.EquivalentTo(new[] { JobState.Succeeded, JobState.Cancelled }));
        Assert.That(answer["images"].GetArrayLength(), Is.InRange(1, 2));
    }

    [Test]
    public async Task Call_ClientHangsUp_CancelsItUnlessItHasAName()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        JobDocument unnamed = await HungUpAsync(client, user, Small + "}");
        Assert.That((await EndAsync(user, unnamed.Id)).State, Is.EqualTo(JobState.Cancelled));

        string named = Small + ""","force_task_id":"mine"}""";
        JobDocument job = await HungUpAsync(client, user, named);
        FaceAnswer again = await client.SendAsync(Text2Img, named);
        FaceAnswer other = await client.SendAsync(Text2Img, Small + ""","seed":4,"force_task_id":"mine"}""");

        Assert.That(again.Message.Headers.GetValues("x-job-id").Single(), Is.EqualTo(job.Id.ToString()));
        Assert.That(again["images"].GetArrayLength(), Is.EqualTo(1));
        Assert.That(other.Message.Headers.GetValues("x-job-id").Single(), Is.Not.EqualTo(job.Id.ToString()), "asks for something else");
        Assert.That(await Api.JobsAsync(user), Has.Count.EqualTo(3), "nothing was made and charged twice");
    }

    [Test]
    public async Task Call_AgainWithItsIdempotencyKey_GetsTheSamePictures()
    {
        FaceUser user = await Api.NewUserAsync();
        using HttpClient client = ClientOf(user);
        client.DefaultRequestHeaders.Add("Idempotency-Key", "order-1");
        const string Body = Small + ""","n_iter":2}""";

        FaceAnswer first = await client.SendAsync(Text2Img, Body);
        FaceAnswer second = await client.SendAsync(Text2Img, Body);

        Assert.That(Picture(second.Json, 1), Is.EqualTo(Picture(first.Json, 1)));
        Assert.That(await Api.JobsAsync(user), Has.Count.EqualTo(2));
    }

    /// <summary>The call's job, which runs when its client hangs up.</summary>
    private async Task<JobDocument> HungUpAsync(HttpClient client, FaceUser user, string body)
    {
        using var patience = new CancellationTokenSource();
        using JobHold hold = FaceStack.Holds.AtStep(2);
        using var content = new StringContent(body);
        Task<HttpResponseMessage> call = client.PostAsync(Text2Img, content, patience.Token);
        await hold.ReachedAsync();
        JobDocument job = (await Api.JobsAsync(user))[0];
        await patience.CancelAsync();
        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        return job;
    }

    private async Task<JobDocument> EndAsync(FaceUser user, JobId id)
    {
        CancellationToken limit = FaceStack.Limit();
        while (true)
        {
            JobDocument job = (await Api.JobsAsync(user)).Single(j => j.Id == id);
            if (job.State.IsFinal())
            {
                return job;
            }

            await Task.Delay(50, limit);
        }
    }

    private static async Task<JsonElement> UntilAsync(HttpClient client, Func<JsonElement, bool> isThere)
    {
        CancellationToken limit = FaceStack.Limit();
        while (true)
        {
            JsonElement progress = await GetAsync(client, Progress);
            if (isThere(progress))
            {
                return progress;
            }

            await Task.Delay(50, limit);
        }
    }
}
