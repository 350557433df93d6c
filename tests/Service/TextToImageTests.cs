using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Png;
using Generation.Service.Running;
using Generation.Storage.Jobs;
using Generation.Storage.Redis;
using Generation.TestSupport;
using Generation.Torch;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Generation.Service.Tests;

/// <summary>The main way: a command in, a picture out.</summary>
public sealed class TextToImageTests
{
    private ServiceScope _scope = null!;
    private WebApplication _worker = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _scope = await ServiceScope.CreateAsync();
        _worker = await _scope.StartWorkerAsync("w1", ServiceScope.PreviewOfEachStep);
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _scope.DisposeAsync();

    [Test]
    public async Task Run_OfApple_StoresThePictureThatWasAsked()
    {
        JobRow row = await _scope.RunAsync(ServiceScope.Apple(steps: 20, seed: 1, side: 256));
        Assert.That(row.State, Is.EqualTo(JobState.Succeeded), row.Error?.Detail);
        Assert.That(row.Charged, Is.EqualTo(Credits.Of(1)));
        JobOutput output = row.Outputs.Single();
        Assert.That((output.Width, output.Height, output.Seed, output.ContentType), Is.EqualTo((256, 256, 1L, "image/png")));
        Assert.That((output.Render!.GeneratedWidth, output.Render.Scale, output.Render.Resized), Is.EqualTo((64, 4, false)));

        byte[] file = await _scope.ReadAsync(output.Sha256);
        Assert.That(file, Has.Length.EqualTo(output.Bytes));
        Picture picture = PngCodec.Decode(file);
        (double red, double green, double blue) = Mean(picture.Crop(96, 96, 64, 64));
        Assert.That(red, Is.GreaterThan(blue + 40).And.GreaterThan(green + 40), "the middle is red");
        (red, green, blue) = Mean(picture.Crop(0, 0, 40, 40));
        Assert.That(blue, Is.GreaterThan(red + 40), "the corner is blue");

        Picture small = PictureCodec.Decode(await _scope.ReadAsync(output.Thumbnail!));
        Assert.That((small.Width, small.Height), Is.EqualTo((256, 256)));
        (red, green, blue) = Mean(small.Crop(96, 96, 64, 64));
        Assert.That(red, Is.GreaterThan(blue + 40).And.GreaterThan(green + 40), "the thumbnail's middle too");

        PngText parameters = PngText.Read(file).Single();
        Assert.That(parameters.Keyword, Is.EqualTo("parameters"));
        Assert.That(
            parameters.Text,
            Does.StartWith("a red apple on a blue background\nSteps: 20, Sampler: DDIM, CFG scale: 4, Seed: 1, Size: 256x256, Model: demo")
        );
    }

    /// <summary>Jobs may have waited since before plans were what they are.</summary>
    [Test]
    public async Task Run_OfAJobWithAPlanOfAnEarlierVersion_PlansItAnew()
    {
        JobRow expected = await _scope.RunAsync(ServiceScope.Apple(side: 256));
        JobId id = await _scope.SubmitAsync(ServiceScope.Apple(side: 256));
        await _scope.ExecuteAsync(
            $$"""
            UPDATE jobs SET render =
            '{"generated_width": 64, "generated_height": 64, "upscaler": "demo-upscaler", "scale": 4, "resized": false}' WHERE id = '{{id}}'
            """
        );
        await _scope.SendAsync(id);

        JobRow row = await _scope.WaitForEndAsync(id);

        Assert.That(row.State, Is.EqualTo(JobState.Succeeded), row.Error?.Detail);
        Assert.That(row.Outputs.Single().Sha256, Is.EqualTo(expected.Outputs.Single().Sha256));
    }

    [Test]
    public async Task Run_OfSameRequestTwice_GivesSameBytes()
    {
        JobRow first = await _scope.RunAsync(ServiceScope.Apple(seed: 11));
        JobRow second = await _scope.RunAsync(ServiceScope.Apple(seed: 11));
        Assert.That(second.Outputs.Single().Sha256, Is.EqualTo(first.Outputs.Single().Sha256));
    }

    [Test]
    public async Task Run_OfSeveralPictures_GivesEachAsItIsAlone()
    {
        JobRow several = await _scope.RunAsync(ServiceScope.Apple(seed: 21, images: 3));
        Assert.That(several.Outputs.Select(o => o.Seed), Is.EqualTo(new long?[] { 21, 22, 23 }));
        JobRow alone = await _scope.RunAsync(ServiceScope.Apple(seed: 23));
        Assert.That(several.Outputs[2].Sha256, Is.EqualTo(alone.Outputs.Single().Sha256));
    }

    [TestCase(300, 200)]
    [TestCase(100, 333)]
    [TestCase(48, 48)]
    public async Task Run_OfAnySize_GivesItToThePixel(int width, int height)
    {
        JobRow row = await _scope.RunAsync(ServiceScope.Apple() with { Width = width, Height = height });
        JobOutput output = row.Outputs.Single();
        Picture picture = PngCodec.Decode(await _scope.ReadAsync(output.Sha256));
        Assert.That((output.Width, output.Height, picture.Width, picture.Height), Is.EqualTo((width, height, width, height)));
    }

    [TestCase("jpg", "image/jpeg", PictureFormat.Jpeg)]
    [TestCase("webp", "image/webp", PictureFormat.WebP)]
    public async Task Run_WithOutputFormat_GivesIt(string name, string contentType, PictureFormat format)
    {
        JobRow png = await _scope.RunAsync(ServiceScope.Apple(side: 256));
        JobRow row = await _scope.RunAsync(ServiceScope.Apple(side: 256) with { OutputFormat = name, OutputQuality = 95 });
        JobOutput output = row.Outputs.Single();
        Assert.That(output.ContentType, Is.EqualTo(contentType));
        byte[] file = await _scope.ReadAsync(output.Sha256);
        Assert.That(PictureFormats.Detect(file), Is.EqualTo(format));
        byte[] expected = PngCodec.Decode(await _scope.ReadAsync(png.Outputs.Single().Sha256)).Bytes;
        byte[] actual = PictureCodec.Decode(file).Bytes;
        Assert.That(expected.Zip(actual, (a, b) => Math.Abs(a - b)).Average(), Is.LessThan(4));
    }

    [Test]
    public async Task Run_BetweenSteps_ShowsAPreview()
    {
        using JobHold hold = ServiceScope.Holds.AtStep(3);
        JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        await hold.ReachedAsync();
        byte[]? preview = null;
        await ServiceScope.EventuallyAsync(
            async () => (preview = await _scope.HotState.PreviewAsync(id, CancellationToken.None)) is { Length: > 0 },
            "a preview is shown"
        );
        hold.Release();
        Picture picture = PictureCodec.Decode(preview);
        Assert.That((picture.Width, picture.Height), Is.EqualTo((64, 64)));
        await _scope.WaitForEndAsync(id);
    }

    [Test]
    public async Task Run_WithUnknownScheduler_FailsWithTheFieldAndCostsNothing()
    {
        JobRow row = await _scope.RunAsync(ServiceScope.Apple() with { Scheduler = "dimm" });
        Assert.That(row.State, Is.EqualTo(JobState.Failed));
        Assert.That((row.Error!.Code, row.Error.Field), Is.EqualTo(("invalid_request", "scheduler")));
        Assert.That(row.Charged, Is.EqualTo(Credits.Zero));
    }

    [Test]
    public async Task Run_WhileItRuns_ShowsProgress()
    {
        using JobHold early = ServiceScope.Holds.AtStep(3);
        using JobHold midway = ServiceScope.Holds.AtStep(17);
        using JobHold late = ServiceScope.Holds.AtStep(39);
        JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple(steps: 40));
        foreach ((JobHold hold, int step) in new[] { (early, 3), (midway, 17), (late, 39) })
        {
            await hold.ReachedAsync();
            await ShowsAsync(id, new JobProgress(step, 40));
            hold.Release();
        }

        Assert.That((await _scope.WaitForEndAsync(id)).State, Is.EqualTo(JobState.Succeeded));
    }

    [Test]
    public async Task Progress_LostByRedisDuringALongStep_IsShownAgain()
    {
        using JobHold hold = ServiceScope.Holds.AtStep(4);
        JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        await hold.ReachedAsync();
        await ShowsAsync(id, new JobProgress(4, 6));

        IDatabase redis = await _scope.Get<RedisConnection>().DatabaseAsync(ServiceScope.Limit());
        string prefix = _scope.Get<IOptions<RedisOptions>>().Value.KeyPrefix;
        Assert.That(await redis.HashDeleteAsync($"{prefix}job:{id}", ["step", "steps"]), Is.EqualTo(2));

        await ShowsAsync(id, new JobProgress(4, 6));
        hold.Release();
        await _scope.WaitForEndAsync(id);
    }

    [Test]
    public async Task Run_OfManyJobs_LeavesNoTensorBehind()
    {
        // Drawn at 48 pixels and enlarged
        Text2ImgRequest apple = ServiceScope.Apple(steps: 3, images: 2, side: 192);
        await _scope.RunAsync(apple);
        await _scope.RunAsync(apple);
        await SettledAsync();
        long before = TorchExtras.LiveTensors;
        for (int seed = 0; seed < 5; seed++)
        {
            await _scope.RunAsync(apple with { Seed = seed });
        }

        await SettledAsync();
        Assert.That(TorchExtras.LiveTensors, Is.EqualTo(before));
    }

    [Test]
    public async Task Command_SentTwice_RunsTheJobOnce()
    {
        JobId id = await _scope.SubmitAndSendAsync(ServiceScope.Apple());
        await _scope.SendAsync(id);
        JobRow row = await _scope.WaitForEndAsync(id);
        Assert.That((row.State, row.Attempt), Is.EqualTo((JobState.Succeeded, 1)));
    }

    /// <summary>A job's row is final a moment before its last things are disposed.</summary>
    private Task SettledAsync() =>
        ServiceScope.EventuallyAsync(
            () => Task.FromResult(_worker.Services.GetRequiredService<RunningJobs>().Count == 0),
            "no job is left in the process"
        );

    private static (double Red, double Green, double Blue) Mean(Picture picture)
    {
        double[] sums = new double[3];
        for (int i = 0; i < picture.Bytes.Length; i++)
        {
            sums[i % 3] += picture.Bytes[i];
        }

        double count = picture.Bytes.Length / 3.0;
        return (sums[0] / count, sums[1] / count, sums[2] / count);
    }

    private Task ShowsAsync(JobId id, JobProgress progress) =>
        ServiceScope.EventuallyAsync(
            async () => (await _scope.HotState.FindAsync(id, CancellationToken.None))?.Progress == progress,
            $"step {progress.Step} is shown"
        );
}
