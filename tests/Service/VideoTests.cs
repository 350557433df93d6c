using System.Diagnostics;
using System.IO.Compression;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.Storage.Jobs;
using Generation.TestSupport;
using Microsoft.AspNetCore.Builder;

namespace Generation.Service.Tests;

/// <summary>Words or a picture in, a clip out.</summary>
public sealed class VideoTests
{
    private ServiceScope _scope = null!;
    private MediaModels _models = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _models = new MediaModels();
        _scope = await ServiceScope.CreateAsync();
        await _scope.StartWorkerAsync("w1", ("Models:Path", _models.Folder));
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _scope.DisposeAsync();
        _models.Dispose();
    }

    [Test]
    public async Task Run_OfWords_GivesAsManyFramesWhichDiffer()
    {
        JobOutput output = await RunAsync(Cat() with { NumInferenceSteps = 6, Width = 96, Height = 64, OutputFormat = "mp4" });
        Assert.That(
            (output.ContentType, output.Frames, output.Fps, output.DurationSeconds, output.Width, output.Height, output.Seed),
            Is.EqualTo(("video/mp4", (int?)8, (double?)8, (double?)1, 96, 64, (long?)3))
        );
        byte[] file = await _scope.ReadAsync(output.Sha256);
        Assert.That(
            file.AsSpan().IndexOf("moov"u8),
            Is.LessThan(file.AsSpan().IndexOf("mdat"u8)),
            "it can be played before all of it is there"
        );
        (string codec, Picture[] frames) = await DecodeAsync(file, 96, 64);
        Assert.That(codec, Is.EqualTo("h264,yuv420p"));
        Assert.That(frames, Has.Length.EqualTo(8));
        for (int k = 1; k < 8; k++)
        {
            Assert.That(
                frames[k].Bytes.Zip(frames[k - 1].Bytes, (a, b) => Math.Abs(a - b)).Average(),
                Is.GreaterThan(0.1),
                $"frame {k} differs from the one before"
            );
        }

        Picture thumbnail = PictureCodec.Decode(await _scope.ReadAsync(output.Thumbnail!));
        Assert.That((thumbnail.Width, thumbnail.Height), Is.EqualTo((96, 64)));
    }

    [TestCase("mp4", 66, 64)]
    [TestCase("webm", 66, 64)]
    [TestCase("gif", 65, 63)]
    public async Task Run_OfOddSides_TellsTheSizeOfTheFile(string format, int width, int height)
    {
        JobOutput output = await RunAsync(Cat() with { NumFrames = 2, Width = 65, Height = 63, OutputFormat = format });
        Assert.That((output.Width, output.Height), Is.EqualTo((width, height)));
        (string _, Picture[] frames) = await DecodeAsync(await _scope.ReadAsync(output.Sha256), width, height);
        // A player repeats frames of slow clips; each is of that size, or could not be cut out
        Assert.That(frames, Has.Length.GreaterThanOrEqualTo(2));
    }

    [TestCase("webm", "video/webm")]
    [TestCase("gif", "image/gif")]
    [TestCase("webp", "image/webp")]
    public async Task Run_WithOutputFormat_GivesIt(string format, string contentType)
    {
        JobOutput output = await RunAsync(Cat() with { OutputFormat = format });
        Assert.That(output.ContentType, Is.EqualTo(contentType));
        Assert.That((await _scope.ReadAsync(output.Sha256)).LongLength, Is.EqualTo(output.Bytes));
    }

    [Test]
    public async Task Run_AsZip_IsTheSameForTheSameSeedAlone()
    {
        JobOutput first = await RunAsync(Cat() with { NumFrames = 4 });
        JobOutput again = await RunAsync(Cat() with { NumFrames = 4 });
        JobOutput other = await RunAsync(Cat() with { NumFrames = 4, Seed = 4 });
        Assert.That(again.Sha256, Is.EqualTo(first.Sha256));
        Assert.That(other.Sha256, Is.Not.EqualTo(first.Sha256));
        using var archive = new ZipArchive(new MemoryStream(await _scope.ReadAsync(first.Sha256)));
        Assert.That(archive.Entries.Count(entry => entry.Name.EndsWith(".png", StringComparison.Ordinal)), Is.EqualTo(4));
    }

    [Test]
    public async Task Run_WithMotionScheduler_FollowsTheEntry()
    {
        JobOutput own = await RunAsync(Cat() with { NumFrames = 2 });
        JobOutput linear = await RunAsync(Cat() with { NumFrames = 2, Model = "linear" });
        Assert.That(linear.Sha256, Is.Not.EqualTo(own.Sha256));
    }

    [Test]
    public async Task Run_OfPicture_BeginsAClipWithIt()
    {
        var picture = new Picture(60, 30, 3);
        new Random(1).NextBytes(picture.Bytes);
        VideoRequest request = Cat() with
        {
            Model = "svd",
            Prompt = "",
            Image = await MediaModels.StoreAsync(_scope.Results, picture),
            Width = 48,
            Height = 32,
            NumFrames = 4,
            GuidanceScale = 3,
            MotionBucketId = 100,
            NoiseAugStrength = 0.05,
        };
        JobOutput output = await RunAsync(request);
        Assert.That((output.Frames, output.Width, output.Height), Is.EqualTo(((int?)4, 48, 32)));
        JobOutput again = await RunAsync(request);
        JobOutput noised = await RunAsync(request with { NoiseAugStrength = 1 });
        Assert.That(again.Sha256, Is.EqualTo(output.Sha256));
        Assert.That(noised.Sha256, Is.Not.EqualTo(output.Sha256));

        JobRow without = await _scope.RunAsync(request with { Image = null });
        Assert.That((without.State, without.Error!.Field), Is.EqualTo((JobState.Failed, "image")));
    }

    [Test]
    public async Task Cancel_WhileRunning_StopsWithinAStep()
    {
        using JobHold hold = ServiceScope.Holds.AtStep(2);
        JobId id = await _scope.SubmitAndSendAsync(Cat() with { NumInferenceSteps = 20 });
        await hold.ReachedAsync();
        await _scope.Jobs.CancelAsync(id, null, CancellationToken.None);
        JobRow row = await _scope.WaitForEndAsync(id);
        Assert.That(row.State, Is.EqualTo(JobState.Cancelled));
        Assert.That(row.Charged, Is.EqualTo(Credits.Of(0.1m)), "not a step more was done, and what was not used is not charged");
    }

    [Test]
    public async Task Shutdown_InTheMiddle_GoesOnElsewhereToTheSameBytes()
    {
        VideoRequest request = Cat() with { NumInferenceSteps = 8, NumFrames = 4 };
        string expected = (await RunAsync(request)).Sha256;

        await using ServiceScope scope = await ServiceScope.CreateAsync();
        WebApplication first = await scope.StartWorkerAsync("first", ("Models:Path", _models.Folder));
        using JobHold hold = ServiceScope.Holds.AtStep(3);
        JobId id = await scope.SubmitAndSendAsync(request);
        await hold.ReachedAsync();
        await first.StopAsync(ServiceScope.Limit());
        JobRow handedBack = await scope.FindAsync(id);
        Assert.That((handedBack.State, handedBack.Attempt), Is.EqualTo((JobState.Queued, 0)));
        Assert.That(handedBack.Checkpoint!.Step, Is.EqualTo(3));

        await scope.StartWorkerAsync("second", ("Models:Path", _models.Folder));
        await scope.SendAsync(id);
        JobRow row = await scope.WaitForEndAsync(id);
        Assert.That((row.State, row.WorkerId), Is.EqualTo((JobState.Succeeded, "second")));
        Assert.That(row.Outputs.Single().Sha256, Is.EqualTo(expected));
    }

    private static VideoRequest Cat() =>
        new()
        {
            Model = "demo",
            Prompt = "a cat moving left",
            Width = 64,
            Height = 64,
            NumFrames = 8,
            Fps = 8,
            NumInferenceSteps = 3,
            GuidanceScale = 4,
            Scheduler = "auto",
            Seed = 3,
            OutputFormat = "zip",
        };

    private async Task<JobOutput> RunAsync(VideoRequest request)
    {
        JobRow row = await _scope.RunAsync(request);
        Assert.That(row.State, Is.EqualTo(JobState.Succeeded), row.Error?.Detail);
        return row.Outputs.Single();
    }

    private static async Task<(string Codec, Picture[] Frames)> DecodeAsync(byte[] file, int width, int height)
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.mp4");
        try
        {
            await File.WriteAllBytesAsync(path, file);
            byte[] codec = await OutputAsync(
                "ffprobe",
                "-v",
                "error",
                "-show_entries",
                "stream=codec_name,pix_fmt",
                "-of",
                "csv=p=0",
                path
            );
            byte[] raw = await OutputAsync("ffmpeg", "-loglevel", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1");
            return (
                System.Text.Encoding.UTF8.GetString(codec).Trim(),
                [.. raw.Chunk(width * height * 3).Select(chunk => new Picture(width, height, 3, chunk))]
            );
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task<byte[]> OutputAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false }
        )!;
        using var bytes = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(bytes);
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, program);
        return bytes.ToArray();
    }
}
