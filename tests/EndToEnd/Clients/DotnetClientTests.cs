using System.Net;
using Generation.Client;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests.Clients;

/// <summary>Generation.Client against a running system, also where connections break.</summary>
[TestFixture]
public sealed class DotnetClientTests
{
    private TestStack _stack = null!;
    private GenerationClient _client = null!;

    private static Text2ImgRequest Apple =>
        new()
        {
            Model = "tiny",
            Prompt = "an apple",
            Seed = 5,
            NumInferenceSteps = 4,
        };

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _stack = await SharedStack.GetAsync();
        _client = new GenerationClient(new Uri(_stack.Stack.Url), _stack.Stack.Key);
    }

    [OneTimeTearDown]
    public void Stop() => _client.Dispose();

    [Test, CancelAfter(240_000)]
    public async Task Run_TellsEachStep_AndWhatIsDownloadedIsThePicture(CancellationToken token)
    {
        var news = new Gathered();

        Job job = await _client.RunAsync(Apple, news, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded));
        Assert.That(job.HasEnded);
        Assert.That(job.Kind, Is.EqualTo(JobKind.Text2img));
        Assert.That(job.Request!["prompt"].ToString(), Is.EqualTo("an apple"));
        Assert.That(news.Events[^1], Is.InstanceOf<JobFinished>());
        Assert.That(news.Events.OfType<JobStarted>(), Has.Exactly(1).Items);
        Assert.That(news.Events.OfType<JobStepDone>().Select(step => step.Steps), Has.All.EqualTo(4));

        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{Guid.NewGuid():N}.png");
        await _client.DownloadAsync(job.Outputs[0], path, token);
        Picture picture = PictureCodec.Decode(await File.ReadAllBytesAsync(path, token));
        Assert.That((picture.Width, picture.Height), Is.EqualTo((job.Outputs[0].Width, job.Outputs[0].Height)));
        await Assert.ThrowsAsync<IOException>(() => _client.DownloadAsync(job.Outputs[0], path, token));
        File.Delete(path);
    }

    [Test, CancelAfter(240_000)]
    public async Task Upload_ThenAnotherKind_BeginsWithIt(CancellationToken token)
    {
        Job first = await _client.RunAsync(Apple, null, token);
        Upload upload = await _client.UploadAsync(await _client.ReadOutputAsync(first.Outputs[0], token), token);

        Job job = await _client.RunAsync(
            new Img2ImgRequest
            {
                Model = "tiny",
                Prompt = "a pear",
                Image = upload.Id,
                NumInferenceSteps = 4,
            },
            null,
            token
        );

        Assert.That(job.Kind, Is.EqualTo(JobKind.Img2img));
        Assert.That(job.Outputs[0].Width, Is.EqualTo(upload.Width));
    }

    [Test, CancelAfter(120_000)]
    public async Task Refusal_NamesTheField(CancellationToken token)
    {
        GenerationException refusal = (
            await Assert.ThrowsAsync<GenerationException>(() =>
                _client.SubmitAsync(new Text2ImgRequest { Prompt = "a", Width = 1 }, null, token)
            )
        )!;

        Assert.That(refusal.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(refusal.Code, Is.EqualTo("invalid_request"));
        Assert.That(refusal.Problem!.Errors, Contains.Key("width"));
        Assert.That(refusal.Message, Does.Contain("width"));

        using var stranger = new GenerationClient(new Uri(_stack.Stack.Url), "gk_nobody");
        refusal = (await Assert.ThrowsAsync<GenerationException>(() => stranger.AccountAsync(token)))!;
        Assert.That(refusal.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test, CancelAfter(240_000)]
    public async Task Cancel_OfAJobThatRuns_IsToldToWhoeverWatches(CancellationToken token)
    {
        using JobHold hold = _stack.Holds.AtStep(1);
        Job job = await _client.SubmitAsync(Apple, null, token);
        await hold.ReachedAsync(token);

        await _client.CancelAsync(job.Id, token);
        hold.Release();
        Job ended = await _client.WaitAsync(job.Id, null, token);

        Assert.That(ended.State, Is.EqualTo(JobState.Cancelled));
        Assert.That(
            await _client.JobsAsync(JobState.Cancelled, "text2img", "tiny", token).Select(one => one.Id).ToListAsync(token),
            Does.Contain(job.Id)
        );
    }

    [Test, CancelAfter(240_000)]
    public async Task Submission_WhoseAnswerIsLost_IsMadeAgainAndMakesOneJob(CancellationToken token)
    {
        long before = await JobsAsync(token);
        using var breaking = new BreakingHandler { LostAnswers = 2 };
        using var http = new HttpClient(breaking);
        using var client = new GenerationClient(new Uri(_stack.Stack.Url), _stack.Stack.Key, null, http);

        Job job = await client.SubmitAsync(Apple, null, token);

        Assert.That(breaking.LostAnswers, Is.Zero, "both were lost");
        Assert.That(await JobsAsync(token), Is.EqualTo(before + 1));
        Assert.That((await client.WaitAsync(job.Id, null, token)).State, Is.EqualTo(JobState.Succeeded));

        using var once = new GenerationClient(
            new Uri(_stack.Stack.Url),
            _stack.Stack.Key,
            new GenerationClientOptions { Retries = 0 },
            new HttpClient(new BreakingHandler { LostAnswers = 1 })
        );
        await Assert.ThrowsAsync<HttpRequestException>(() => once.AccountAsync(token));
    }

    [Test, CancelAfter(240_000)]
    public async Task Watch_WhoseStreamBreaksOff_GoesOnBehindWhatWasTold(CancellationToken token)
    {
        using var breaking = new BreakingHandler { BrokenStreams = 3 };
        using var http = new HttpClient(breaking);
        using var client = new GenerationClient(new Uri(_stack.Stack.Url), _stack.Stack.Key, null, http);
        var news = new Gathered();

        Job job = await client.RunAsync(Apple, news, token);

        Assert.That(job.State, Is.EqualTo(JobState.Succeeded));
        Assert.That(breaking.BrokenStreams, Is.LessThan(3), "a stream broke off");
        Assert.That(news.Events.OfType<JobFinished>(), Has.Exactly(1).Items);
        Assert.That(news.Events.OfType<JobStarted>(), Has.Exactly(1).Items);
        Assert.That(news.Events.OfType<JobStepDone>().Select(step => step.Step), Is.Unique.And.Ordered, "nothing is told twice");
    }

    [Test, CancelAfter(120_000)]
    public async Task Lists_AreRead(CancellationToken token)
    {
        Assert.That((await _client.ModelsAsync(token)).Single(model => model.Name == "tiny").Kinds, Does.Contain(JobKind.Text2img));
        Assert.That((await _client.AccountAsync(token)).Balance, Is.GreaterThan(0));
        Assert.That((await _client.LoadAsync(token)).Models, Contains.Key("tiny"));
        Assert.That((await _client.EstimateAsync(Apple, token)).Steps, Is.EqualTo(4));
    }

    [TestCase("https://localhost:1/v1/jobs/1/outputs/0", true)]
    [TestCase("/v1/jobs/1/outputs/0", true)]
    [TestCase("http://localhost:1/v1/jobs/1/outputs/0", false)]
    [TestCase("https://localhost:2/v1/jobs/1/outputs/0", false)]
    [TestCase("https://elsewhere.example/picture.png", false)]
    public async Task Key_GoesToItsServerAlone(string address, bool goes)
    {
        var sent = new KeyWatcher();
        using var client = new GenerationClient(
            new Uri("https://localhost:1"),
            "gk_secret",
            new GenerationClientOptions { Retries = 0 },
            new HttpClient(sent)
        );

        await Assert.ThrowsAsync<GenerationException>(() => client.ReadOutputAsync(new JobOutput { Url = address, Sha256 = "" }));

        Assert.That(sent.Keys, Is.EqualTo(new[] { goes ? "gk_secret" : null }));
    }

    [Test]
    public void Address_OfAnotherScheme_IsRefused() =>
        Assert.That(
            () => new GenerationClient(new Uri("ftp://localhost"), null),
            Throws.ArgumentException.With.Message.Contains("http://").And.Message.Contains("ftp://localhost")
        );

    private async Task<long> JobsAsync(CancellationToken token) => await _client.JobsAsync(null, null, null, token).LongCountAsync(token);

    /// <summary>Notes with which key each call would go out, and answers that there is nothing.</summary>
    private sealed class KeyWatcher : HttpMessageHandler
    {
        public List<string?> Keys { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Keys.Add(request.Headers.Authorization?.Parameter);
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.NotFound));
        }
    }

    /// <summary>Keeps what is told, in its order.</summary>
    private sealed class Gathered : IProgress<JobEvent>
    {
        public List<JobEvent> Events { get; } = [];

        public void Report(JobEvent value) => Events.Add(value);
    }
}
