using System.Diagnostics;
using System.Text.Json.Nodes;
using Generation.Hosting;
using Generation.Hosting.Servers;
using Generation.Imaging;
using Generation.Imaging.Png;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>The commands as a person runs them, on a stack of their own.</summary>
[TestFixture, PrivateServersOnly("what `./generation up` starts, `status` shows and `down` ends")]
public sealed class CommandTests
{
    private DataFolder _data = null!;
    private string _folder = null!;

    [OneTimeSetUp]
    public async Task UpAsync()
    {
        _data = DataFolder.Temporary("commands");
        _folder = Directory.CreateTempSubdirectory("generation-pictures-").FullName;
        Ended up = await RunAsync(["up"]);
        Assert.That(up.Code, Is.Zero, up.Text);
    }

    [OneTimeTearDown]
    public async Task DownAsync()
    {
        Ended down = await RunAsync(["down", "--delete-data"]);
        Directory.Delete(_folder, recursive: true);
        Assert.That(down.Code, Is.Zero, down.Text);
        Assert.That(Directory.Exists(_data.Root), Is.False);
    }

    [Test, CancelAfter(300_000)]
    public async Task Status_Json_TellsEveryProcess(CancellationToken token)
    {
        JsonNode status = await HealthyAsync(token);

        Assert.That(
            status["processes"]!.AsArray().Select(process => (string)process!["name"]!),
            Is.EquivalentTo(["postgres", "redis", "rabbitmq", "epmd", "api", "worker-1", "supervisor"])
        );
        foreach (JsonNode? process in status["processes"]!.AsArray())
        {
            Assert.That(Directory.Exists($"/proc/{(int)process!["pid"]!}"), process.ToJsonString());
            if ((string)process["name"]! != "supervisor")
            {
                Assert.That((int)process["port"]!, Is.GreaterThan(0));
                Assert.That((string)process["address"]!, Does.Contain("127.0.0.1"));
            }

            Assert.That((string)process["health"]!, Is.EqualTo("healthy"));
            Assert.That(File.Exists((string)process["log"]!), process.ToJsonString());
        }

        Assert.That((int)status["load"]!["total"]!["queued"]!, Is.Zero);
    }

    [Test, CancelAfter(300_000)]
    public async Task Up_Twice_KeepsEveryProcess(CancellationToken token)
    {
        string before = Pids(await StatusAsync(token));
        Ended up = await RunAsync(["up"], token: token);
        Assert.That(up.Code, Is.Zero, up.Text);
        Assert.That(Pids(await StatusAsync(token)), Is.EqualTo(before));
    }

    [Test, CancelAfter(300_000)]
    public async Task Up_AfterAKill_BringsBackWhatDied(CancellationToken token)
    {
        JsonNode before = await StatusAsync(token);
        foreach (string name in new[] { "api", "redis" })
        {
            new ManagedProcess(_data.Run, name).Signal(9);
        }

        Ended up = await RunAsync(["up"], token: token);
        Assert.That(up.Code, Is.Zero, up.Text);
        JsonNode after = await HealthyAsync(token);
        Assert.That((string)after["url"]!, Is.EqualTo((string)before["url"]!));
    }

    [Test, CancelAfter(300_000)]
    public async Task Up_ThenAKill_TheSupervisorBringsBackWhatDied(CancellationToken token)
    {
        await HealthyAsync(token);
        string[] names = ["api", "worker-1", "redis", "epmd"];
        int?[] before = [.. names.Select(name => new ManagedProcess(_data.Run, name).Pid)];
        foreach (string name in names)
        {
            new ManagedProcess(_data.Run, name).Signal(9);
        }

        for (int k = 0; k < names.Length; k++)
        {
            while (new ManagedProcess(_data.Run, names[k]).Pid is not { } pid || pid == before[k])
            {
                await Task.Delay(50, token);
            }
        }

        JsonNode status = await HealthyAsync(token);
        Assert.That(
            status["processes"]!.AsArray().Where(process => (int)process!["restarts"]! > 0).Select(process => (string)process!["name"]!),
            Is.SupersetOf(names)
        );
        string said = await File.ReadAllTextAsync(Path.Combine(_data.Logs, "supervisor.log"), token);
        Assert.That(said, Does.Contain("worker-1 died").And.Contain("worker-1 was started again"));
    }

    [Test, CancelAfter(300_000)]
    public async Task Up_ApiDiesWhileAWorkerIsStarting_StartsItAgain(CancellationToken token)
    {
        var other = DataFolder.Temporary("commands");
        // Its worker waits for somebody to write the model's entry
        string models = Directory.CreateDirectory(Path.Combine(other.Root, "models")).FullName;
        string entry = Path.Combine(models, "demo.json");
        foreach (string name in (string[])["demo", "demo-motion", "demo-upscaler"])
        {
            Directory.CreateSymbolicLink(Path.Combine(models, name), TestModels.Embedded(name));
        }

        using (var pipe = Process.Start("mkfifo", [entry]))
        {
            await pipe.WaitForExitAsync(token);
        }

        using Process up = Start(DotnetHost.Path, [Program, "up"], other, ("Models__Path", models));
        Task<string> output = up.StandardOutput.ReadToEndAsync(token);
        Task<string> told = up.StandardError.ReadToEndAsync(token);
        Process? writer = null;
        try
        {
            var api = new ManagedProcess(other.Run, "api");
            while (!new ManagedProcess(other.Run, "worker-1").IsRunning || api.Pid is null)
            {
                await Task.Delay(20, token);
            }

            int first = api.Pid.Value;
            api.Signal(9);
            while (api.Pid is not { } pid || pid == first)
            {
                await Task.Delay(20, token);
            }

            Assert.That(up.HasExited, Is.False, "the worker is starting still");
            writer = Process.Start("bash", ["-c", "while cat \"$0\" >\"$1\"; do :; done", TestModels.Embedded("demo.json"), entry]);
            await up.WaitForExitAsync(token);
            Assert.That(up.ExitCode, Is.Zero, await told);
            Assert.That(await told, Does.Contain("api died").And.Contain("api was started again").And.Contain("api is ready"));
            Assert.That(await output, Does.Contain("The API answers at"));
        }
        finally
        {
            writer?.Kill(entireProcessTree: true);
            writer?.Dispose();
            await RunAsync(["down", "--delete-data"], other, CancellationToken.None);
        }
    }

    [Test, CancelAfter(300_000)]
    public async Task Demo_Prompt_SavesThePictureAndTellsAll(CancellationToken token)
    {
        Ended demo = await RunAsync(["demo", "a red apple on a blue background", "--seed", "0", "--steps", "10"], token: token);

        Assert.That(demo.Code, Is.Zero, demo.Text);
        string path = Path.Combine(_folder, "pictures", "a-red-apple-on-a-blue-background-0.png");
        Picture picture = PngCodec.Decode(await File.ReadAllBytesAsync(path, token));
        Assert.That((picture.Width, picture.Height), Is.EqualTo((256, 256)));
        Assert.That(demo.Text, Does.Contain(path).And.Contain("seed     0").And.Contain("64x64").And.Contain("running"));
        Assert.That(demo.Text, Does.Not.Contain(await File.ReadAllTextAsync(Path.Combine(_data.Root, "key"), token)));

        // The line that it prints does the same
        string line = demo.Text.Split('\n').Single(text => text.Contains("curl", StringComparison.Ordinal)).Trim();
        using Process bash = Start("bash", ["-ec", $"eval \"$('{DotnetHost.Path}' '{Program}' env)\"; {line}"]);
        await bash.WaitForExitAsync(token);
        Assert.That(bash.ExitCode, Is.Zero, await bash.StandardError.ReadToEndAsync(token));
        Assert.That(
            await File.ReadAllBytesAsync(Path.Combine(_folder, "picture.png"), token),
            Is.EqualTo(await File.ReadAllBytesAsync(path, token))
        );
    }

    [TestCase("img2img", "", "png", 256)]
    [TestCase("inpaint", "", "png", 256)]
    [TestCase("super-resolution", "--scale 2", "png", 128)]
    [TestCase("video", "--frames 4 --width 64 --height 64", "mp4", 64)]
    [CancelAfter(240_000)]
    public async Task Demo_AnyKind_SavesItsFile(string kind, string options, string extension, int side, CancellationToken token)
    {
        string output = $"{kind}.{extension}";
        string[] asked =
        [
            "demo",
            "--kind",
            kind,
            "--seed",
            "1",
            "--out",
            output,
            .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        ];
        Ended demo = await RunAsync(kind == "super-resolution" ? asked : [.. asked, "--steps", "4"], token: token);

        Assert.That(demo.Code, Is.Zero, demo.Text);
        byte[] file = await File.ReadAllBytesAsync(Path.Combine(_folder, output), token);
        Assert.That(demo.Text, Does.Contain($"{side}x{side}").And.Contain($"/v1/{kind}"));
        if (extension == "png")
        {
            Picture picture = PngCodec.Decode(file);
            Assert.That((picture.Width, picture.Height), Is.EqualTo((side, side)));
        }
        else
        {
            Assert.That(file.AsSpan(4, 4).SequenceEqual("ftyp"u8), "it is an MP4 file");
            Assert.That(demo.Text, Does.Contain("4 frames"));
        }
    }

    [Test, CancelAfter(300_000)]
    public async Task Demo_PictureThatIsNotThere_SaysSo(CancellationToken token)
    {
        Ended demo = await RunAsync(["demo", "--kind", "img2img", "--image", "nowhere.png"], token: token);

        Assert.That(demo.Code, Is.EqualTo(1));
        Assert.That(demo.Text, Does.Contain("FAILED: bring in the picture").And.Contain("nowhere.png").And.Contain("what to do"));
    }

    [Test, CancelAfter(300_000)]
    public async Task Demo_OnARunningStack_StartsNothing(CancellationToken token)
    {
        string[] command = ["demo", "a cat", "--out", "cat.png"];
        await RunAsync(command, token: token);
        string before = Pids(await StatusAsync(token));
        Ended demo = await RunAsync(command, token: token);

        Assert.That(demo.Code, Is.Zero, demo.Text);
        Assert.That(Pids(await StatusAsync(token)), Is.EqualTo(before), "nothing had to be started");
        Assert.That(Directory.GetFiles(_folder, "cat*.png"), Has.Length.EqualTo(2), "the second does not overwrite the first");
    }

    [Test, CancelAfter(300_000)]
    public async Task Demo_BadSize_SaysStepReasonAndWhatToDo(CancellationToken token)
    {
        Ended demo = await RunAsync(["demo", "a cat", "--width", "3"], token: token);

        Assert.That(demo.Code, Is.EqualTo(1));
        Assert.That(demo.Text, Does.Contain("FAILED: submit the job").And.Contain("width").And.Contain("what to do"));
    }

    [Test, CancelAfter(300_000)]
    public async Task Keys_CreateListRevoke_GovernAccess(CancellationToken token)
    {
        Ended created = await RunAsync(["keys", "create", "--name", "of a test"], token: token);
        Assert.That(created.Code, Is.Zero, created.Text);
        string key = created.Text.Split('\n').Select(line => line.Trim()).Single(line => line.StartsWith("gk_", StringComparison.Ordinal));
        Ended listed = await RunAsync(["keys", "list"], token: token);

        Assert.That(listed.Text, Does.Contain("of a test").And.Not.Contain(key));
        string id = listed.Text.Split('\n').Single(line => line.Contains("of a test", StringComparison.Ordinal)).Split(' ')[0];
        Ended revoked = await RunAsync(["keys", "revoke", id], token: token);
        Assert.That(revoked.Code, Is.Zero, revoked.Text);
    }

    [Test, CancelAfter(240_000)]
    public async Task Up_AnotherClone_RunsBesideAndDownsAlone(CancellationToken token)
    {
        var other = DataFolder.Temporary("commands");
        try
        {
            Ended up = await RunAsync(["up"], other, token);
            Assert.That(up.Code, Is.Zero, up.Text);
            JsonNode theirs = await HealthyAsync(token, other);
            JsonNode ours = await HealthyAsync(token);
            Assert.That(
                theirs["processes"]!
                    .AsArray()
                    .Select(process => (int?)process!["port"])
                    .OfType<int>()
                    .Intersect(ours["processes"]!.AsArray().Select(process => (int?)process!["port"]).OfType<int>()),
                Is.Empty
            );
        }
        finally
        {
            await RunAsync(["down", "--delete-data"], other, CancellationToken.None);
        }

        await HealthyAsync(token);
    }

    [Test, CancelAfter(300_000)]
    public async Task UpServersOnly_ProgramStartedByHand_FindsTheServersByTheSettingsFile(CancellationToken token)
    {
        var other = DataFolder.Temporary("commands");
        try
        {
            Ended up = await RunAsync(["up", "--servers-only"], other, token);
            Assert.That(up.Code, Is.Zero, up.Text);
            Assert.That(
                (await StatusAsync(token, other))["processes"]!.AsArray().Select(process => (string)process!["name"]!),
                Is.EquivalentTo(["postgres", "redis", "rabbitmq", "epmd", "supervisor"])
            );

            string address = $"http://127.0.0.1:{Ports.Free()}";
            using Process api = Start(
                DotnetHost.Path,
                [Clone.Current.ProgramOf("Generation.Api"), "--urls", address],
                other,
                ("GENERATION_SETTINGS", Path.Combine(other.Root, "settings.json")),
                ("ASPNETCORE_ENVIRONMENT", "Development")
            );
            Task<string> output = api.StandardOutput.ReadToEndAsync(token);
            try
            {
                using var client = new RestClient(address, (await File.ReadAllTextAsync(Path.Combine(other.Root, "key"), token)).Trim());
                while (!api.HasExited && !await AnswersAsync(client, token))
                {
                    await Task.Delay(100, token);
                }

                Assert.That(api.HasExited, Is.False, () => output.Result);
                Assert.That((string?)(await client.GetAsync("/v1/account", token))!["name"], Is.EqualTo("default"));
            }
            finally
            {
                api.Kill();
            }
        }
        finally
        {
            await RunAsync(["down", "--delete-data"], other, CancellationToken.None);
        }
    }

    [Test, CancelAfter(300_000)]
    public async Task Env_All_SaysEverySettingWithItsMeaning(CancellationToken token)
    {
        Ended env = await RunAsync(["env", "--all"], token: token);

        Assert.That(env.Code, Is.Zero, env.Text);
        string[] lines = env.Text.TrimEnd().Split('\n');
        string[] settings = [.. lines.Where((_, at) => at % 2 == 1)];
        Assert.Multiple(() =>
        {
            Assert.That(lines.Where((_, at) => at % 2 == 0), Is.All.Match("^# \\S.+"), "a meaning before each");
            Assert.That(settings, Is.All.Match("^#?[A-Za-z_0-9]+="));
            Assert.That(
                settings,
                Does.Contain("#Jobs__LeaseSeconds=15").And.Contain("#Worker__Slots=1").And.Contain("Results__Kind=files")
            );
            Assert.That(settings, Has.Some.StartsWith("ConnectionStrings__Postgres=Host=127.0.0.1"));
        });
    }

    [Test, CancelAfter(300_000)]
    public async Task Up_Interrupted_LeavesNothingRunning(CancellationToken token)
    {
        var other = DataFolder.Temporary("commands");
        // Its worker waits for somebody to write the model's entry, so that it is still starting whenever the interrupt comes
        string models = Directory.CreateDirectory(Path.Combine(other.Root, "models")).FullName;
        using (var pipe = Process.Start("mkfifo", [Path.Combine(models, "demo.json")]))
        {
            await pipe.WaitForExitAsync(token);
        }

        // Whoever runs the tests in the background has the interrupt ignored, which processes pass on to those that they start
        using Process up = Start("env", ["--default-signal=INT", DotnetHost.Path, Program, "up"], other, ("Models__Path", models));
        while (!new ManagedProcess(other.Run, "worker-1").IsRunning)
        {
            await Task.Delay(20, token);
        }

        using (var interrupt = Process.Start("kill", ["-INT", $"{up.Id}"]))
        {
            await interrupt.WaitForExitAsync(token);
        }

        await up.WaitForExitAsync(token);

        Assert.That(up.ExitCode, Is.EqualTo(130), "it says that it was interrupted");
        string[] names = ["postgres", "redis", "rabbitmq", "epmd", "api", "worker-1"];
        Assert.That(names.Where(name => new ManagedProcess(other.Run, name).IsRunning), Is.Empty);
    }

    private static string Program => Clone.Current.ProgramOf("Generation.Cli");

    private static string Pids(JsonNode status) =>
        string.Join(
            ' ',
            status["processes"]!.AsArray().Select(process => $"{process!["name"]}={process["pid"]}").Order(StringComparer.Ordinal)
        );

    private async Task<JsonNode> StatusAsync(CancellationToken token, DataFolder? data = null) =>
        JsonNode.Parse((await RunAsync(["status", "--json"], data, token)).Text)!;

    /// <summary>The status once all is well: a look at a moment at which a process stands still says that it does not answer.</summary>
    private async Task<JsonNode> HealthyAsync(CancellationToken token, DataFolder? data = null)
    {
        while (true)
        {
            JsonNode status = await StatusAsync(token, data);
            if ((bool)status["healthy"]! && status["load"] is not null)
            {
                return status;
            }

            TestContext.Out.WriteLine(status.ToJsonString());
            await Task.Delay(500, token);
        }
    }

    private static async Task<bool> AnswersAsync(RestClient client, CancellationToken token)
    {
        try
        {
            using HttpResponseMessage answer = await client.Http.GetAsync(new Uri("/readyz", UriKind.Relative), token);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task<Ended> RunAsync(string[] arguments, DataFolder? data = null, CancellationToken token = default)
    {
        using Process process = Start(DotnetHost.Path, [Program, .. arguments], data);
        Task<string> output = process.StandardOutput.ReadToEndAsync(token);
        string errors = await process.StandardError.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        // Progress is told on standard error: standard output is for what was asked
        return new Ended(process.ExitCode, process.ExitCode == 0 ? await output : await output + errors);
    }

    private Process Start(string program, string[] arguments, DataFolder? data = null, params (string Name, string Value)[] environment)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        info.Environment["GENERATION_DATA"] = (data ?? _data).Root;
        // And not those of whoever works with this clone
        info.Environment["Models__Path"] = TestModels.Ours;
        // What killed processes leave goes with the folder
        info.Environment["TMPDIR"] = _folder;
        foreach ((string name, string value) in environment)
        {
            info.Environment[name] = value;
        }

        return Process.Start(info)!;
    }

    private sealed record Ended(int Code, string Text);
}
