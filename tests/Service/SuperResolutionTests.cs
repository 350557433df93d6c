using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Imaging.Resizing;
using Generation.Storage.Jobs;

namespace Generation.Service.Tests;

/// <summary>A small picture in, a large one out.</summary>
public sealed class SuperResolutionTests
{
    private ServiceScope _scope = null!;
    private MediaModels _models = null!;
    private Picture _apple = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _models = new MediaModels();
        _scope = await ServiceScope.CreateAsync();
        await _scope.StartWorkerAsync("w1", ("Models:Path", _models.Folder));
        JobRow row = await _scope.RunAsync(ServiceScope.Apple(steps: 12, side: 256));
        _apple = PictureCodec.Decode(await _scope.ReadAsync(row.Outputs.Single().Sha256));
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _scope.DisposeAsync();
        _models.Dispose();
    }

    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    public async Task Run_AnyScale_GivesThatSize(int scale)
    {
        JobOutput output = await RunAsync("enlarger", _apple.Resize(50, 40), scale);
        Picture larger = PictureCodec.Decode(await _scope.ReadAsync(output.Sha256));
        Assert.That(
            (output.Width, output.Height, output.ContentType, output.Seed),
            Is.EqualTo((50 * scale, 40 * scale, "image/png", (long?)null))
        );
        Assert.That((larger.Width, larger.Height), Is.EqualTo((50 * scale, 40 * scale)));
    }

    [Test]
    public async Task Run_OfShrunkPicture_IsNearerThanLanczos()
    {
        Picture small = _apple.Resize(64, 64, ResamplingFilter.Box);
        JobOutput output = await RunAsync("enlarger", small, 4);
        double network = Psnr(_apple, PictureCodec.Decode(await _scope.ReadAsync(output.Sha256)));
        double lanczos = Psnr(_apple, small.Resize(256, 256));
        TestContext.Out.WriteLine($"PSNR: network {network:F2} dB, Lanczos {lanczos:F2} dB");
        Assert.That(network, Is.GreaterThan(lanczos));
    }

    [Test]
    public async Task Run_OfPictureWithAlpha_KeepsItAndJpegLaysItOverWhite()
    {
        Picture cut = _apple.Resize(32, 32).WithAlpha(new Picture(32, 32, 1));
        Picture png = PictureCodec.Decode(await _scope.ReadAsync((await RunAsync("enlarger", cut, 2)).Sha256));
        Assert.That(png.Channels, Is.EqualTo(4));
        Assert.That(png.AlphaChannel().Bytes, Is.All.EqualTo(0));
        JobOutput jpeg = await RunAsync("enlarger", cut, 2, "jpg");
        Assert.That(jpeg.ContentType, Is.EqualTo("image/jpeg"));
        Assert.That(PictureCodec.Decode(await _scope.ReadAsync(jpeg.Sha256)).Bytes, Is.All.GreaterThan(250));
    }

    [Test]
    public async Task Run_OfDiffusionUpscaler_MakesItFourTimesLargerAndTheSeedSays()
    {
        JobOutput first = await RunAsync("x4", _apple.Resize(18, 12), 4, seed: 5);
        JobOutput again = await RunAsync("x4", _apple.Resize(18, 12), 4, seed: 5);
        JobOutput other = await RunAsync("x4", _apple.Resize(18, 12), 4, seed: 6);
        Assert.That((first.Width, first.Height, first.Seed), Is.EqualTo((72, 48, (long?)5)));
        Assert.That(again.Sha256, Is.EqualTo(first.Sha256));
        Assert.That(other.Sha256, Is.Not.EqualTo(first.Sha256));
    }

    [Test]
    public async Task Run_PictureThatIsGone_FailsByFieldAndCostsNothing()
    {
        var gone = new StoredPicture(new string('0', 64), "image/png", 100, 10, 10);
        JobRow row = await _scope.RunAsync(Request("enlarger", gone, 2, "png", 0));
        Assert.That((row.State, row.Error!.Field, row.Charged), Is.EqualTo((JobState.Failed, "image", Credits.Zero)));
    }

    private async Task<JobOutput> RunAsync(string model, Picture picture, int scale, string format = "png", long seed = 0)
    {
        JobRow row = await _scope.RunAsync(Request(model, await MediaModels.StoreAsync(_scope.Results, picture), scale, format, seed));
        Assert.That(row.State, Is.EqualTo(JobState.Succeeded), row.Error?.Detail);
        return row.Outputs.Single();
    }

    private static SuperResolutionRequest Request(string model, StoredPicture picture, int scale, string format, long seed) =>
        new()
        {
            Model = model,
            Image = picture,
            Scale = scale,
            Width = picture.Width * scale,
            Height = picture.Height * scale,
            OutputFormat = format,
            Prompt = "a cat",
            NumInferenceSteps = model == "x4" ? 4 : 1,
            GuidanceScale = 7,
            NoiseLevel = 20,
            Scheduler = "auto",
            Seed = seed,
        };

    private static double Psnr(Picture a, Picture b) =>
        10 * Math.Log10(255.0 * 255 / a.Bytes.Zip(b.Bytes, (x, y) => (double)(x - y) * (x - y)).Average());
}
