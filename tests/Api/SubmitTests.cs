using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Api.Tests;

public sealed class SubmitTests
{
    private ApiScope _api = null!;

    [OneTimeSetUp]
    public async Task StartApi() => _api = await ApiScope.CreateAsync();

    [OneTimeTearDown]
    public async Task StopApi() => await _api.DisposeAsync();

    [Test]
    public async Task Submit_PromptAlone_AnswersWithAJobAndItsDefaults()
    {
        using HttpResponseMessage answer = await _api.Client.PostAsJsonAsync("/v1/text2img", new { prompt = "a red apple" });

        JobDocument job = await ApiScope.ReadAsync<JobDocument>(answer);
        var request = (Text2ImgRequest)job.Request!;
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That(answer.Headers.Location!.ToString(), Is.EqualTo($"/v1/jobs/{job.Id}"));
        Assert.That((job.State, job.Model, job.Kind), Is.EqualTo((JobState.Queued, "demo", JobKind.Text2Img)));
        Assert.That(job.Position, Is.Positive);
        Assert.That(job.WaitingReason, Does.Contain("No worker is running"));
        Assert.That(job.WaitingNotice?.Code, Is.EqualTo("no_worker"));
        Assert.That(job.Cost.Held, Is.GreaterThan(Credits.Zero));
        Assert.That(job.Links, Is.EqualTo(JobLinks.Of(job.Id)));
        Assert.That((request.Width, request.Height, request.NumInferenceSteps, request.Scheduler), Is.EqualTo((256, 256, 25, "ddim")));
        Assert.That(request.Seed, Is.GreaterThanOrEqualTo(0));
        Assert.That(
            job.Render,
            Is.EqualTo(
                new RenderPlan
                {
                    GeneratedWidth = 64,
                    GeneratedHeight = 64,
                    Upscaler = "demo-upscaler",
                    Scale = 4,
                    Resized = false,
                }
            )
        );
    }

    [Test]
    public async Task Submit_EveryField_IsKept()
    {
        JobDocument job = await _api.SubmitAsync(
            new
            {
                prompt = "a",
                negative_prompt = "b",
                model = "demo",
                width = 512,
                height = 288,
                num_inference_steps = 30,
                guidance_scale = 0.5,
                guidance_rescale = 0.25,
                scheduler = "ddim",
                seed = 0,
                num_images = 3,
                output_format = "png",
                output_quality = 80,
                priority = 5,
                expires_in = 3600,
                metadata = new { order = "x", deep = new { n = 1.5 } },
            }
        );

        Assert.That(
            job.Request,
            Is.EqualTo(
                new Text2ImgRequest
                {
                    Prompt = "a",
                    NegativePrompt = "b",
                    Model = "demo",
                    Width = 512,
                    Height = 288,
                    NumInferenceSteps = 30,
                    GuidanceScale = 0.5,
                    GuidanceRescale = 0.25,
                    Scheduler = "ddim",
                    Seed = 0,
                    NumImages = 3,
                    OutputQuality = 80,
                }
            )
        );
        JobDocument polled = await _api.PollAsync(job.Id);
        Assert.That(polled.Priority, Is.EqualTo(5));
        Assert.That(polled.ExpiresAt - polled.CreatedAt, Is.EqualTo(TimeSpan.FromHours(1)).Within(TimeSpan.FromSeconds(1)));
        Assert.That(polled.Metadata!.Value.GetProperty("deep").GetProperty("n").GetDouble(), Is.EqualTo(1.5));
    }

    [Test]
    public async Task Submit_TooFewCredits_Is402AndWritesNothing()
    {
        using HttpClient poor = await _api.ClientOfNewAccountAsync(0.001m);

        using HttpResponseMessage answer = await poor.PostAsJsonAsync("/v1/text2img", new { prompt = "a" });

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.PaymentRequired));
        JsonElement problem = await ApiScope.ReadAsync<JsonElement>(answer);
        Assert.That(problem.GetProperty("code").GetString(), Is.EqualTo("insufficient_credits"));
        Assert.That(problem.GetProperty("detail").GetString(), Does.Contain("0.001"));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(await poor.GetAsync("/v1/jobs"))).GetProperty("data").GetArrayLength(), Is.Zero);
    }

    [Test]
    public async Task Submit_SameIdempotencyKey_ReplaysByteForByteAndMakesOneJob()
    {
        using HttpResponseMessage first = await PostAsync("""{"prompt": "a"}""", "key-1");
        using HttpResponseMessage second = await PostAsync("""{"prompt": "a"}""", "key-1");

        Assert.That(second.StatusCode, Is.EqualTo(first.StatusCode));
        Assert.That(await second.Content.ReadAsByteArrayAsync(), Is.EqualTo(await first.Content.ReadAsByteArrayAsync()));
        Assert.That(second.Headers.Location, Is.EqualTo(first.Headers.Location));
        Assert.That(second.Headers.Contains("Idempotent-Replayed"));
        Assert.That(first.Headers.Contains("Idempotent-Replayed"), Is.False);
    }

    [Test]
    public async Task Submit_SameIdempotencyKeyAtAnotherApiAfterTheJobsEnd_ReplaysTheFirstAnswer()
    {
        using HttpResponseMessage first = await PostAsync("""{"prompt": "a"}""", "key-6");
        await _api.FinishAsync((await ApiScope.ReadAsync<JobDocument>(first)).Id);
        using HttpClient other = _api.ClientOfAnotherApi();

        using HttpResponseMessage second = await PostAsync("""{"prompt": "a"}""", "key-6", client: other);

        Assert.That(second.StatusCode, Is.EqualTo(first.StatusCode));
        Assert.That(await second.Content.ReadAsByteArrayAsync(), Is.EqualTo(await first.Content.ReadAsByteArrayAsync()));
    }

    [Test]
    public async Task Submit_IdempotencyKeyWithAnotherBody_Is422()
    {
        using HttpResponseMessage first = await PostAsync("""{"prompt": "a"}""", "key-2");
        using HttpResponseMessage second = await PostAsync("""{"prompt": "b"}""", "key-2");

        Assert.That((int)second.StatusCode, Is.EqualTo(422));
        Assert.That((await ApiScope.ReadAsync<JsonElement>(second)).GetProperty("code").GetString(), Is.EqualTo("idempotency_key_reused"));
    }

    [Test]
    public async Task Submit_SameIdempotencyKeyFromManyAtOnce_MakesOneJob()
    {
        HttpResponseMessage[] answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => PostAsync("""{"prompt": "many"}""", "key-3"))
        );

        string[] jobs = [.. answers.Where(a => a.IsSuccessStatusCode).Select(a => a.Headers.Location!.ToString()).Distinct()];
        Assert.That(jobs, Has.Length.EqualTo(1));
        Assert.That(answers.Where(a => !a.IsSuccessStatusCode).Select(a => a.StatusCode), Is.All.EqualTo(HttpStatusCode.Conflict));
    }

    [Test]
    public async Task Submit_SameIdempotencyKeyWhileWaiting_Is409ThenTheFirstAnswer()
    {
        Task<HttpResponseMessage> first = PostAsync("""{"prompt": "wait"}""", "key-4", "wait=60");
        IdempotencyRecord? record;
        while ((record = await _api.Get<IdempotencyStore>().FindAsync(_api.Account, "key-4", default)) is null)
        {
            await Task.Yield();
        }

        using HttpResponseMessage during = await PostAsync("""{"prompt": "wait"}""", "key-4", "wait=60");
        await _api.FinishAsync(record.JobId);
        using HttpResponseMessage done = await first;
        using HttpResponseMessage after = await PostAsync("""{"prompt": "wait"}""", "key-4");

        Assert.That(during.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(done.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await after.Content.ReadAsByteArrayAsync(), Is.EqualTo(await done.Content.ReadAsByteArrayAsync()));
    }

    [Test]
    public async Task Submit_SameIdempotencyKeyOfTwoAccounts_AreTwoJobs()
    {
        using HttpClient other = await _api.ClientOfNewAccountAsync();
        using HttpResponseMessage mine = await PostAsync("""{"prompt": "a"}""", "key-5");
        using HttpResponseMessage theirs = await PostAsync("""{"prompt": "a"}""", "key-5", client: other);

        Assert.That(theirs.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That(theirs.Headers.Location, Is.Not.EqualTo(mine.Headers.Location));
    }

    [Test]
    public async Task Submit_PreferWait_AnswersWhenDone()
    {
        Task<HttpResponseMessage> waiting = PostAsync("""{"prompt": "wait", "metadata": {"wait": 1}}""", null, "wait=60");
        JobDocument? job = null;
        while (job is null)
        {
            JsonElement page = await ApiScope.ReadAsync<JsonElement>(await _api.Client.GetAsync("/v1/jobs?limit=1&state=queued"));
            job = page.GetProperty("data")
                .EnumerateArray()
                .Select(j => j.Deserialize<JobDocument>(WireJson.Options)!)
                .FirstOrDefault(j => j.Metadata is { } m && m.TryGetProperty("wait", out _));
        }

        await _api.FinishAsync(job.Id);
        using HttpResponseMessage answer = await waiting;

        JobDocument done = await ApiScope.ReadAsync<JobDocument>(answer);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((done.Id, done.State, done.Outputs.Count), Is.EqualTo((job.Id, JobState.Succeeded, 1)));
        Assert.That(answer.Headers.GetValues("Preference-Applied"), Is.Not.Empty);
    }

    [Test]
    public async Task Submit_PreferWaitTooShort_AnswersWithTheOpenJob()
    {
        using HttpResponseMessage answer = await PostAsync("""{"prompt": "a"}""", null, "wait=1");

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await ApiScope.ReadAsync<JobDocument>(answer)).State, Is.EqualTo(JobState.Queued));
    }

    private async Task<HttpResponseMessage> PostAsync(string body, string? key = null, string? prefer = null, HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/text2img")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        if (prefer is not null)
        {
            request.Headers.Add("Prefer", prefer);
        }

        return await (client ?? _api.Client).SendAsync(request);
    }
}
