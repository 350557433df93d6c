using System.Net;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>A machine without ffmpeg: it is said, only clips are off, and they are on again once it is installed.</summary>
[TestFixture]
public sealed class NoClipsTests
{
    private const string Missing = "ffmpeg is missing; apt install ffmpeg";

    private string _programs = null!;
    private TestStack _stack = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _programs = Directory.CreateTempSubdirectory("generation-programs-").FullName;
        // What the worker is started with, and what else clips need
        Link("setsid");
        Link("setpriv");
        Link("prlimit");
        _stack = await TestStack.StartAsync(overrides: new Dictionary<string, string> { ["PATH"] = _programs }, ownServers: false);
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _stack.DisposeAsync();
        Directory.Delete(_programs, recursive: true);
    }

    [Test, CancelAfter(300_000)]
    public async Task WithoutFfmpeg_OnlyClipsAreOff_UntilItIsThere(CancellationToken token)
    {
        Assert.That(await ClipsAsync(token), Is.EqualTo($"off, {Missing}"));
        RestException? refused = await Assert.ThrowsAsync<RestException>(() => SubmitClipAsync(token));
        Assert.That((refused!.Status, refused.Code), Is.EqualTo((HttpStatusCode.ServiceUnavailable, "kind_unavailable")));
        Assert.That(refused.Message, Does.Contain(Missing));
        JobDocument picture = await _stack.SubmitAsync("a red apple on a blue background", token, seed: 3, steps: 4);
        Assert.That((await _stack.EndAsync(picture.Id, token)).State, Is.EqualTo(JobState.Succeeded));

        Link("ffmpeg");
        JobDocument clip = await WhenOnAsync(token);
        clip = await _stack.EndAsync(clip.Id, token);
        Assert.That(clip.State, Is.EqualTo(JobState.Succeeded), clip.Error?.Detail);
        Assert.That(await ClipsAsync(token), Is.EqualTo("on"));
    }

    private async Task<string?> ClipsAsync(CancellationToken token) =>
        (await _stack.Stack.CheckAsync(token)).Single(process => process.Name == "worker-1").Clips;

    private async Task<JobDocument> WhenOnAsync(CancellationToken token)
    {
        while (true)
        {
            try
            {
                return await SubmitClipAsync(token);
            }
            catch (RestException e) when (e.Code == "kind_unavailable")
            {
                await Task.Delay(200, token);
            }
        }
    }

    private Task<JobDocument> SubmitClipAsync(CancellationToken token) =>
        _stack.Api.SubmitAsync(
            "video",
            new JsonObject
            {
                ["prompt"] = "a cat",
                ["num_frames"] = 2,
                ["num_inference_steps"] = 2,
                ["width"] = 64,
                ["height"] = 64,
                ["output_format"] = "mp4",
            },
            token
        );

    private void Link(string program) =>
        File.CreateSymbolicLink(
            Path.Combine(_programs, program),
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, program)).First(File.Exists)
        );
}
