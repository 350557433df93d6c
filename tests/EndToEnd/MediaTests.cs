using System.Diagnostics;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Resizing;
using Generation.Imaging.Png;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>Larger pictures and clips through the REST interface: a picture or words in, a file out, looked at by numbers.</summary>
[TestFixture]
public sealed class MediaTests
{
    private TestStack _stack = null!;
    private Picture _original = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _stack = await SharedStack.GetAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        JobDocument job = await _stack.SubmitAsync("a red apple on a blue background", limit.Token, seed: 3);
        job = await _stack.EndAsync(job.Id, limit.Token);
        _original = PngCodec.Decode(await _stack.Api.OutputAsync(job.Outputs.Single(), limit.Token));
    }

    [Test, CancelAfter(240_000)]
    public async Task SuperResolution_OfShrunkPicture_BeatsLanczos(CancellationToken token)
    {
        Picture small = _original.Resize(64, 64, ResamplingFilter.Box);
        JobDocument job = await RunAsync("super-resolution", new() { ["image"] = DataUri(small), ["scale"] = 4 }, token);
        JobOutputLink output = job.Outputs.Single();
        Picture larger = PngCodec.Decode(await _stack.Api.OutputAsync(output, token));

        Assert.That(
            (job.Model, output.Width, output.Height, larger.Width, larger.Height),
            Is.EqualTo(("demo-upscaler", 256, 256, 256, 256))
        );
        double network = Psnr(_original, larger);
        double lanczos = Psnr(_original, small.Resize(256, 256));
        Assert.That(network, Is.GreaterThan(lanczos), "decibels against the original");
        Assert.That(await _stack.LedgerAsync(job.Id, token), Is.EqualTo(["hold", "charge"]));
    }

    [TestCase(2)]
    [TestCase(3)]
    [CancelAfter(240_000)]
    public async Task SuperResolution_OtherScales_GiveThatSizeFromAForm(int scale, CancellationToken token)
    {
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(PngCodec.Encode(_original.Resize(70, 33))), "image", "small.png" },
            { new StringContent($"{scale}"), "scale" },
            { new StringContent("webp"), "output_format" },
        };
        using HttpResponseMessage answer = await _stack.Api.Http.PostAsync(new Uri("/v1/super-resolution", UriKind.Relative), form, token);
        JsonNode submitted = JsonNode.Parse(await answer.Content.ReadAsStringAsync(token))!;
        Assert.That((int)answer.StatusCode, Is.EqualTo(202), submitted.ToJsonString());
        JobDocument job = await _stack.EndAsync(JobId.Parse((string)submitted["id"]!, null), token);
        Picture larger = PictureCodec.Decode(await _stack.Api.OutputAsync(job.Outputs.Single(), token));
        Assert.That((larger.Width, larger.Height, job.Outputs.Single().ContentType), Is.EqualTo((70 * scale, 33 * scale, "image/webp")));
    }

    [Test, CancelAfter(240_000)]
    public async Task Video_OfWords_IsAClipOfAsManyFramesWhichDiffer(CancellationToken token)
    {
        JobDocument job = await RunAsync(
            "video",
            new()
            {
                ["prompt"] = "a cat moving left",
                ["num_frames"] = 8,
                ["fps"] = 4,
                ["seed"] = 2,
                ["width"] = 128,
                ["height"] = 128,
                ["num_inference_steps"] = 10,
            },
            token
        );
        JobOutputLink output = job.Outputs.Single();
        Assert.That(
            (output.ContentType, output.Frames, output.Fps, output.DurationSeconds),
            Is.EqualTo(("video/mp4", (int?)8, (double?)4, (double?)2))
        );

        Picture[] frames = await FramesAsync(await _stack.Api.OutputAsync(output, token), 128, 128, token);
        Assert.That(frames, Has.Length.EqualTo(8));
        for (int k = 1; k < frames.Length; k++)
        {
            Assert.That(
                frames[k].Bytes.Zip(frames[k - 1].Bytes, (a, b) => Math.Abs(a - b)).Average(),
                Is.GreaterThan(0.1),
                $"frame {k} differs from the one before"
            );
        }

        // One scene, not eight: neighbours are nearer to each other than to a picture of something else
        Picture other = _original.Resize(128, 128);
        double step = Distance(frames[3], frames[4]);
        Assert.That(step, Is.LessThan(Distance(frames[3], other)));
    }

    [Test, CancelAfter(240_000)]
    public async Task Video_CancelledWhileRunning_StopsAndShowsNoOutput(CancellationToken token)
    {
        (JobDocument job, JobHold hold) = await _stack.SubmitHeldAsync(
            () =>
                _stack.Api.SubmitAsync(
                    "video",
                    new()
                    {
                        ["prompt"] = "a star rising",
                        ["num_inference_steps"] = 10,
                        ["seed"] = 1,
                    },
                    token
                ),
            step: 2,
            token
        );
        using JobHold held = hold;
        await _stack.Api.CancelAsync(job.Id, token);
        job = await _stack.EndAsync(job.Id, token);
        Assert.That((job.State, job.Outputs.Count), Is.EqualTo((JobState.Cancelled, 0)));
    }

    private async Task<JobDocument> RunAsync(string kind, JsonObject request, CancellationToken token)
    {
        JobDocument job = await _stack.Api.SubmitAsync(kind, request, token);
        job = await _stack.EndAsync(job.Id, token);
        Assert.That(job.State, Is.EqualTo(JobState.Succeeded), job.Error?.Detail);
        return job;
    }

    private static string DataUri(Picture picture) => "data:image/png;base64," + Convert.ToBase64String(PngCodec.Encode(picture));

    private static double Distance(Picture a, Picture b) =>
        a.ToRgb().Bytes.Zip(b.ToRgb().Bytes, (x, y) => (double)Math.Abs(x - y)).Average();

    private static double Psnr(Picture a, Picture b) =>
        10 * Math.Log10(255.0 * 255 / a.ToRgb().Bytes.Zip(b.ToRgb().Bytes, (x, y) => (double)(x - y) * (x - y)).Average());

    private static async Task<Picture[]> FramesAsync(byte[] clip, int width, int height, CancellationToken token)
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.mp4");
        try
        {
            await File.WriteAllBytesAsync(path, clip, token);
            var start = new ProcessStartInfo("ffmpeg", ["-loglevel", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
            };
            using Process process = Process.Start(start)!;
            using var raw = new MemoryStream();
            await process.StandardOutput.BaseStream.CopyToAsync(raw, token);
            await process.WaitForExitAsync(token);
            return [.. raw.ToArray().Chunk(width * height * 3).Select(chunk => new Picture(width, height, 3, chunk))];
        }
        finally
        {
            File.Delete(path);
        }
    }
}
