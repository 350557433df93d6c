using System.Diagnostics;
using System.Text.Json.Nodes;
using Generation.Hosting;
using Generation.Imaging;
using Generation.Imaging.Codecs;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>The commands for those who use a server that somebody else runs: make, jobs, watch, get, cancel, completion.</summary>
[TestFixture]
public sealed class ServerCommandTests
{
    private TestStack _stack = null!;
    private string _folder = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _stack = await SharedStack.GetAsync();
        _folder = Directory.CreateTempSubdirectory("generation-client-").FullName;
    }

    [OneTimeTearDown]
    public void Stop() => Directory.Delete(_folder, recursive: true);

    [Test, CancelAfter(240_000)]
    public async Task Make_SavesThePicture_AndMakesAnotherOfIt(CancellationToken token)
    {
        Ended made = await RunAsync(["make", "a house", "--model", "tiny", "--steps", "4", "--seed", "3", "-o", "house.png"], token);
        Ended next = await RunAsync(
            [
                "make",
                "a hut",
                "--kind",
                "img2img",
                "--image",
                "house.png",
                "--set",
                "model=tiny",
                "--set",
                "num_inference_steps=4",
                "--json",
            ],
            token
        );

        Assert.That(made.Code, Is.Zero, made.Text);
        Assert.That(made.Text, Does.Contain("house.png").And.Contain("seed 3").And.Contain("credits"));
        Picture picture = PictureCodec.Decode(await File.ReadAllBytesAsync(Path.Combine(_folder, "house.png"), token));
        Assert.That(picture.Width, Is.GreaterThan(0));
        Assert.That(next.Code, Is.Zero, next.Text);
        JsonNode job = JsonNode.Parse(next.Text[next.Text.IndexOf("{\"", StringComparison.Ordinal)..])!;
        Assert.That((string?)job["state"], Is.EqualTo("succeeded"));
        Assert.That((int?)job["request"]!["num_inference_steps"], Is.EqualTo(4));
        Assert.That(Directory.EnumerateFiles(Path.Combine(_folder, "pictures"), "a-hut-*.png"), Is.Not.Empty);
    }

    [Test, CancelAfter(240_000)]
    public async Task Make_Detached_IsWatchedListedAndFetched(CancellationToken token)
    {
        Ended made = await RunAsync(["make", "a boat [on] a lake", "--model", "tiny", "--steps", "4", "--detach"], token);
        string id = made.Text.Trim();
        Assert.That(Guid.TryParse(id, out _), made.Text);

        Ended watched = await RunAsync(["watch", id], token);
        Ended listed = await RunAsync(["jobs", "--state", "succeeded", "--model", "tiny"], token);
        Ended fetched = await RunAsync(["get", id, "-o", "boat.png"], token);
        Ended twice = await RunAsync(["get", id, "-o", "boat.png"], token);
        Ended cancelled = await RunAsync(["cancel", id], token);

        Assert.That(watched.Code, Is.Zero, watched.Text);
        Assert.That(listed.Text, Does.Contain(id).And.Contain("a boat [on] a lake").And.Contain("text2img"));
        Assert.That(fetched.Text, Does.Contain("boat.png"));
        Assert.That(twice.Text, Does.Contain("boat-2.png"), "no file is overwritten");
        Assert.That(
            await File.ReadAllBytesAsync(Path.Combine(_folder, "boat.png"), token),
            Is.EqualTo(await File.ReadAllBytesAsync(Path.Combine(_folder, "boat-2.png"), token))
        );
        Assert.That(cancelled.Text, Does.Contain("succeeded"), "it had ended");
    }

    [Test, CancelAfter(240_000)]
    public async Task Cancel_OfAJobThatRuns_StopsIt(CancellationToken token)
    {
        using JobHold hold = _stack.Holds.AtStep(1);
        string id = (await RunAsync(["make", "a hill", "--model", "tiny", "--steps", "4", "--detach"], token)).Text.Trim();
        await hold.ReachedAsync(token);

        Ended cancelled = await RunAsync(["cancel", id], token);
        hold.Release();
        Ended watched = await RunAsync(["watch", id], token);
        Ended fetched = await RunAsync(["get", id], token);

        Assert.That(cancelled.Code, Is.Zero, cancelled.Text);
        Assert.That(watched.Code, Is.EqualTo(1));
        Assert.That(watched.Text, Does.Contain("cancelled"));
        Assert.That(fetched.Code, Is.EqualTo(1));
        Assert.That(fetched.Text, Does.Contain("cancelled").And.Contain("what to do"));
    }

    [Test, CancelAfter(120_000)]
    public async Task Estimate_MakesNothing(CancellationToken token)
    {
        Ended estimate = await RunAsync(["make", "a house", "--model", "tiny", "--steps", "4", "--count", "2", "--estimate"], token);

        Assert.That(estimate.Code, Is.Zero, estimate.Text);
        Assert.That(estimate.Text, Does.Contain("2 of ").And.Contain("4 steps").And.Contain("credits"));
    }

    [TestCase("make|a|--width|1", "width")]
    [TestCase("make|a|--set|prompt", "NAME=VALUE")]
    [TestCase("make|a|--kind|img2img|--image|nowhere.png", "nowhere.png")]
    [TestCase("make|a|--server|nowhere", "is no address")]
    [TestCase("make|a|--key|gk_nobody", "GENERATION_KEY")]
    [TestCase("get|00000000-0000-0000-0000-000000000001", "generation jobs")]
    [TestCase("get|seven", "seven")]
    [TestCase("jobs|--count|0", "--count")]
    [TestCase("completion|cmd", "cmd")]
    [CancelAfter(120_000)]
    public async Task Command_ThatCannotBeDone_SaysWhatToDo(string line, string said, CancellationToken token)
    {
        Ended ended = await RunAsync(line.Split('|'), token);

        Assert.That(ended.Code, Is.Not.Zero);
        Assert.That(ended.Text, Does.Contain(said).And.Not.Contain("did not foresee"));
    }

    [Test, CancelAfter(120_000)]
    public async Task Bash_CompletesCommandsOptionsAndValues(CancellationToken token)
    {
        string program = Path.Combine(_folder, "generation");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\nexec '{DotnetHost.Path}' '{Program}' \"$@\"\n", token);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.That(await CompleteAsync("./generation mak", token), Does.Contain("make"));
        Assert.That(await CompleteAsync("./generation make --kin", token), Does.Contain("--kind"));
        Assert.That(await CompleteAsync("./generation make --kind super", token), Does.Contain("super-resolution"));
    }

    private static string Program => Clone.Current.ProgramOf("Generation.Cli");

    /// <summary>What bash offers for the last word of a line.</summary>
    private async Task<string[]> CompleteAsync(string line, CancellationToken token)
    {
        string script = $$"""
            eval "$(./generation completion bash)"
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}}
            COMP_WORDS=({{line}}) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _generation
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        Ended ended = await RunAsync("bash", ["-c", script], token);
        Assert.That(ended.Code, Is.Zero, ended.Text);
        return ended.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private Task<Ended> RunAsync(string[] arguments, CancellationToken token) => RunAsync(DotnetHost.Path, [Program, .. arguments], token);

    private async Task<Ended> RunAsync(string program, string[] arguments, CancellationToken token)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        info.Environment["GENERATION_URL"] = _stack.Stack.Url;
        info.Environment["GENERATION_KEY"] = _stack.Stack.Key;
        using Process process = Process.Start(info)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(token);
        string errors = await process.StandardError.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        return new Ended(process.ExitCode, process.ExitCode == 0 ? await output : await output + errors);
    }

    private sealed record Ended(int Code, string Text);
}
