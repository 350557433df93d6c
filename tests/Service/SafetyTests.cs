using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Storage.Jobs;

namespace Generation.Service.Tests;

/// <summary>What is done with outputs that a safety checker flags; the checkers here flag everything, or nothing.</summary>
public sealed class SafetyTests
{
    private ServiceScope _scope = null!;
    private MediaModels _models = null!;

    /// <summary>The apple of a model without a checker.</summary>
    private Picture _plain = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _models = new MediaModels();
        _scope = await ServiceScope.CreateAsync();
        await _scope.StartWorkerAsync("w1", ("Models:Path", _models.Folder));
        _plain = await PictureAsync(Apple(), null);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _scope.DisposeAsync();
        _models.Dispose();
    }

    [TestCase("strict", SafetyPolicy.Off, null)]
    [TestCase("strict", SafetyPolicy.Flag, true)]
    [TestCase("strict", SafetyPolicy.Blur, true)]
    [TestCase("strict", SafetyPolicy.Black, true)]
    [TestCase("lenient", SafetyPolicy.Black, false)]
    [TestCase("demo", SafetyPolicy.Black, null)]
    public async Task Run_WithPolicy_DoesWhatItSays(string model, SafetyPolicy policy, bool? nsfw)
    {
        Picture picture = await PictureAsync(Apple() with { Model = model, Safety = policy }, nsfw);
        if (nsfw == true && policy == SafetyPolicy.Black)
        {
            Assert.That(picture.Bytes, Is.All.EqualTo(0));
        }
        else if (nsfw == true && policy == SafetyPolicy.Blur)
        {
            Assert.That(Detail(picture), Is.LessThan(Detail(_plain) / 3), "past recognition");
            Assert.That(picture.Bytes.Average(b => b), Is.EqualTo(_plain.Bytes.Average(b => b)).Within(3));
        }
        else
        {
            Assert.That(picture.Bytes, Is.EqualTo(_plain.Bytes), "as it was made");
        }
    }

    [TestCase("strict", true)]
    [TestCase("lenient", false)]
    public async Task Run_OfClip_IsJudgedAsAWhole(string model, bool nsfw)
    {
        JobRow row = await _scope.RunAsync(
            new VideoRequest
            {
                Model = model,
                Prompt = "a cat",
                Width = 64,
                Height = 64,
                NumFrames = 4,
                Fps = 8,
                NumInferenceSteps = 2,
                GuidanceScale = 4,
                Scheduler = "auto",
                Seed = 1,
                OutputFormat = "zip",
                Safety = SafetyPolicy.Black,
            }
        );
        Assert.That(row.State, Is.EqualTo(JobState.Succeeded), row.Error?.Detail);
        Assert.That(row.Outputs.Single().Nsfw, Is.EqualTo(nsfw));
        using var archive = new System.IO.Compression.ZipArchive(new MemoryStream(await _scope.ReadAsync(row.Outputs.Single().Sha256)));
        using var png = new MemoryStream();
        await using Stream entry = archive.GetEntry("frame-0004.png")!.Open();
        await entry.CopyToAsync(png);
        Assert.That(PictureCodec.Decode(png.ToArray()).Bytes.All(b => b == 0), Is.EqualTo(nsfw));
    }

    [Test]
    public async Task Run_Flagged_IsChargedLikeAnyOther()
    {
        JobRow row = await _scope.RunAsync(Apple() with { Model = "strict", Safety = SafetyPolicy.Black });
        Assert.That(row.Charged, Is.EqualTo(Credits.Of(1)));
    }

    private static Text2ImgRequest Apple() => ServiceScope.Apple(steps: 3, side: 256);

    private async Task<Picture> PictureAsync(JobRequest request, bool? nsfw)
    {
        JobRow row = await _scope.RunAsync(request);
        Assert.That(row.State, Is.EqualTo(JobState.Succeeded), row.Error?.Detail);
        Assert.That(row.Outputs.Single().Nsfw, Is.EqualTo(nsfw));
        return PictureCodec.Decode(await _scope.ReadAsync(row.Outputs.Single().Sha256));
    }

    /// <summary>Largest difference from one pixel of a row to the next.</summary>
    private static int Detail(Picture picture)
    {
        int largest = 0;
        for (int y = 0; y < picture.Height; y++)
        {
            Span<byte> row = picture.Row(y);
            for (int i = picture.Channels; i < row.Length; i++)
            {
                largest = Math.Max(largest, Math.Abs(row[i] - row[i - picture.Channels]));
            }
        }

        return largest;
    }
}
