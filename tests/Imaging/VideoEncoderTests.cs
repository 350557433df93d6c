using System.Diagnostics;
using System.IO.Compression;
using Generation.Imaging.Codecs;
using Generation.Imaging.Processes;
using Generation.Imaging.Video;

namespace Generation.Imaging.Tests;

public sealed class VideoEncoderTests
{
    [Test]
    public void Missing_NamesTheFirstProgramThatIsNotThere()
    {
        string folder = Directory.CreateTempSubdirectory("video-tests-").FullName;
        try
        {
            Assert.That(VideoEncoder.MissingOn(""), Is.EqualTo("ffmpeg is missing; apt install ffmpeg"));
            File.WriteAllText(Path.Combine(folder, "ffmpeg"), "");
            Assert.That(VideoEncoder.MissingOn($"/nowhere:{folder}"), Is.EqualTo("setpriv is missing; apt install util-linux"));
            File.WriteAllText(Path.Combine(folder, "setpriv"), "");
            Assert.That(VideoEncoder.MissingOn($"/nowhere:{folder}"), Is.EqualTo("prlimit is missing; apt install util-linux"));
            File.WriteAllText(Path.Combine(folder, "prlimit"), "");
            Assert.That(VideoEncoder.MissingOn($"/nowhere:{folder}"), Is.Null);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public async Task Encode_OfClip_ShowsItsFrames([Values] VideoFormat format)
    {
        if (format == VideoFormat.WebP)
        {
            Assert.That((await VideoEncoder.EncodeAsync(Clip(64, 48, 8), 8, format, quality: 90)).AsSpan(8, 4).SequenceEqual("WEBP"u8));
            return; // ffmpeg 5 writes animated WebP and does not read it
        }

        Picture[] frames = [.. Clip(64, 48, 8)];
        if (format == VideoFormat.Zip)
        {
            using var archive = new ZipArchive(new MemoryStream(await VideoEncoder.EncodeAsync(frames, 8, format)));
            Assert.That(
                archive.Entries.Select(entry => entry.Name),
                Is.EqualTo(Enumerable.Range(1, 8).Select(k => $"frame-{k:0000}.png").Append("clip.txt"))
            );
            using var png = new MemoryStream();
            await using Stream entry = archive.GetEntry("frame-0003.png")!.Open();
            await entry.CopyToAsync(png);
            Assert.That(PictureCodec.Decode(png.ToArray()).Bytes, Is.EqualTo(frames[2].Bytes));
            return;
        }

        byte[] file = await VideoEncoder.EncodeAsync(frames, 8, format, quality: 90);
        Picture[] back = await DecodeAsync(file, 64, 48);
        Assert.That(back, Has.Length.EqualTo(8));
        for (int k = 0; k < 8; k++)
        {
            double error = frames[k].Bytes.Zip(back[k].Bytes, (a, b) => Math.Abs(a - b)).Average();
            // 256 colours for a clip of thousands
            Assert.That(error, Is.LessThan(format == VideoFormat.Gif ? 20 : 12), $"frame {k}");
        }
    }

    [Test]
    public async Task Encode_Twice_GivesTheSameBytes([Values] VideoFormat format)
    {
        byte[] first = await VideoEncoder.EncodeAsync(Clip(33, 21, 5), 10, format, comment: "a cat moving left");
        byte[] second = await VideoEncoder.EncodeAsync(Clip(33, 21, 5), 10, format, comment: "a cat moving left");
        Assert.That(second, Is.EqualTo(first));
    }

    [Test]
    public async Task Encode_WithComment_KeepsIt()
    {
        const string Comment = "a cat; \u7d05 'quoted' = #\nSteps: 5";
        byte[] file = await VideoEncoder.EncodeAsync(Clip(32, 32, 2), 8, VideoFormat.Mp4, comment: Comment);
        Assert.That(file.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(Comment)), Is.Positive);
    }

    [Test]
    public async Task Encode_WithComment_ShowsItToNobodyElse()
    {
        using var source = new CancellationTokenSource();
        Task<byte[]> encoding = VideoEncoder.EncodeAsync(
            Endless(),
            30,
            VideoFormat.Mp4,
            comment: "a prompt of mine 4711",
            cancellationToken: source.Token
        );
        Assert.That(async () => await CommandLineOfAsync("ffmpeg"), Does.Contain("rawvideo").And.Not.Contain("4711").After(60_000, 20));
        await source.CancelAsync();
        Assert.That(async () => await encoding, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Encoder_HoldsNoSecretAndIsNotRoot()
    {
        const string secret = "4711-secret-of-the-worker";
        Environment.SetEnvironmentVariable("Results__S3__SecretKey", secret);
        try
        {
            using var source = new CancellationTokenSource();
            Task<byte[]> encoding = VideoEncoder.EncodeAsync(Endless(), 30, VideoFormat.WebM, cancellationToken: source.Token);
            (string Command, string Environment, string Status) child;
            while ((child = await ChildAsync("ffmpeg")).Command.Length == 0)
            {
                Assert.That(encoding.IsCompleted, Is.False);
                await Task.Delay(20);
            }

            await source.CancelAsync();
            Assert.That(async () => await encoding, Throws.InstanceOf<OperationCanceledException>());

            Assert.That(child.Environment, Does.StartWith("PATH=").And.Not.Contain(secret));
            Assert.That(child.Environment.Split('\0', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(1));
            Assert.That(child.Status, Does.Contain("NoNewPrivs:\t1").And.Not.Match("(Uid|Gid):.*\t0(\t|\n)"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("Results__S3__SecretKey", null);
        }
    }

    [Test]
    public async Task Start_ParentGone_KernelKillsTheChild()
    {
        int id;
        using (GuardedProcess guarded = await GuardedProcess.StartAsync("sleep", ["1000"]))
        {
            id = guarded.Process.Id;
            // Until setpriv has become the program, the kernel does not know yet
            Assert.That(() => File.ReadAllText($"/proc/{id}/cmdline"), Does.StartWith("sleep").After(60_000, 20));
        }

        Assert.That(
            () => !Directory.Exists($"/proc/{id}") || File.ReadAllText($"/proc/{id}/stat").Contains(") Z "),
            Is.True.After(60_000, 20)
        );
    }

    [Test]
    public async Task Start_ProgramThatIsNotThere_IsNamed()
    {
        using GuardedProcess guarded = await GuardedProcess.StartAsync("no-such-program", []);
        await guarded.Process.WaitForExitAsync();
        Assert.That(
            (guarded.WasNotFound, guarded.NotFoundMessage),
            Is.EqualTo((true, "no-such-program is not there; install the package no-such-program."))
        );
    }

    [Test]
    public void Encode_OfFramesOfTwoSizes_NamesThem() =>
        Assert.That(
            async () => await VideoEncoder.EncodeAsync([new Picture(8, 8, 3), new Picture(8, 9, 3)], 8, VideoFormat.Mp4),
            Throws.ArgumentException.With.Message.Contains("8 x 8").And.Message.Contains("8 x 9")
        );

    [Test]
    public void Encode_OfNothing_IsRefused() =>
        Assert.That(async () => await VideoEncoder.EncodeAsync([], 8, VideoFormat.Mp4), Throws.ArgumentException);

    [TestCase(0)]
    [TestCase(double.NaN)]
    [TestCase(241)]
    public void Encode_WithRateOutOfRange_IsRefused(double rate) =>
        Assert.That(
            async () => await VideoEncoder.EncodeAsync(Clip(8, 8, 1), rate, VideoFormat.Mp4),
            Throws.TypeOf<ArgumentOutOfRangeException>()
        );

    [Test]
    public void Encode_BeyondTheTimeLimit_KillsTheProcess() =>
        Assert.That(
            async () =>
                await VideoEncoder.EncodeAsync(
                    Endless(),
                    30,
                    VideoFormat.Mp4,
                    limits: new VideoLimits { Time = TimeSpan.FromSeconds(0.7) }
                ),
            Throws.TypeOf<VideoException>().With.Message.Contains("0.7 s")
        );

    [Test]
    public void Encode_BeyondTheSizeLimit_IsRefused() =>
        Assert.That(
            async () =>
                await VideoEncoder.EncodeAsync(
                    Enumerable.Range(0, 30).Select(k => Pictures.Make(320, 240, 3, smooth: false, seed: k)),
                    10,
                    VideoFormat.Mp4,
                    quality: 100,
                    limits: new VideoLimits { FileBytes = 100_000 }
                ),
            Throws.TypeOf<VideoException>()
        );

    // ffmpeg may end with an error or try again and again; then the time limit ends it
    [Test]
    public void Encode_WithTooLittleMemory_FailsAndEnds() =>
        Assert.That(
            async () =>
                await VideoEncoder.EncodeAsync(
                    Enumerable.Repeat(new Picture(3840, 2160, 3), 40),
                    10,
                    VideoFormat.Mp4,
                    limits: new VideoLimits { MemoryBytes = 128 << 20, Time = TimeSpan.FromSeconds(5) }
                ),
            Throws.TypeOf<VideoException>()
        );

    [Test]
    public void Encode_Cancelled_StopsAtOnce()
    {
        using var source = new CancellationTokenSource(TimeSpan.FromSeconds(0.5));
        // The clip has no end: that this test has one shows it
        Assert.That(
            async () => await VideoEncoder.EncodeAsync(Endless(), 30, VideoFormat.Mp4, cancellationToken: source.Token),
            Throws.InstanceOf<OperationCanceledException>()
        );
    }

    private static IEnumerable<Picture> Clip(int width, int height, int count)
    {
        for (int k = 0; k < count; k++)
        {
            var frame = new Picture(width, height, 3);
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    frame.Pixel(x, y)[0] = (byte)(x * 255 / width);
                    frame.Pixel(x, y)[1] = (byte)(y * 255 / height);
                    frame.Pixel(x, y)[2] = (byte)(k * 30);
                }
            }

            yield return frame;
        }
    }

    /// <summary>The command line of our child of this name; empty while there is none.</summary>
    private static async Task<string> CommandLineOfAsync(string program) => (await ChildAsync(program)).Command;

    /// <summary>What /proc says of a child of this process; empty where none runs this program.</summary>
    private static async Task<(string Command, string Environment, string Status)> ChildAsync(string program)
    {
        foreach (string folder in Directory.GetDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
        {
            try
            {
                string[] parts = (await File.ReadAllTextAsync(Path.Combine(folder, "cmdline"))).Split('\0');
                string status = await File.ReadAllTextAsync(Path.Combine(folder, "status"));
                if (parts[0] == program && status.Contains($"PPid:\t{Environment.ProcessId}\n"))
                {
                    return (string.Join(' ', parts), await File.ReadAllTextAsync(Path.Combine(folder, "environ")), status);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Ended meanwhile
            }
        }

        return ("", "", "");
    }

    private static IEnumerable<Picture> Endless()
    {
        var frame = new Picture(640, 480, 3);
        while (true)
        {
            yield return frame;
        }
    }

    private static async Task<Picture[]> DecodeAsync(byte[] file, int width, int height)
    {
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, file);
            var start = new ProcessStartInfo("ffmpeg")
            {
                ArgumentList = { "-loglevel", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1" },
                RedirectStandardOutput = true,
                UseShellExecute = false,
            };
            using Process process = Process.Start(start)!;
            using var bytes = new MemoryStream();
            await process.StandardOutput.BaseStream.CopyToAsync(bytes);
            await process.WaitForExitAsync();
            return [.. bytes.ToArray().Chunk(width * height * 3).Select(chunk => new Picture(width, height, 3, chunk))];
        }
        finally
        {
            File.Delete(path);
        }
    }
}
