using System.Diagnostics;
using System.Text.Json.Nodes;
using Generation.Hosting;
using Generation.Hosting.Servers;
using Generation.TestSupport;

namespace Generation.EndToEnd.Tests;

/// <summary>
/// How a stack starts, beside the first: on one more data folder, whose servers are made once and run from one test to the next. The first
/// test finds an empty folder, the last begins with nothing running.
/// </summary>
public sealed partial class CommandTests
{
    private readonly Lazy<DataFolder> _second = new(() => DataFolder.Temporary("commands"));

    private DataFolder Second => _second.Value;

    [Test, CancelAfter(300_000)]
    public async Task UpServersOnly_ProgramStartedByHand_FindsTheServersByTheSettingsFile(CancellationToken token)
    {
        Ended up = await RunAsync(["up", "--servers-only"], Second, token);
        Assert.That(up.Code, Is.Zero, up.Text);
        Assert.That(
            (await StatusAsync(token, Second))["processes"]!.AsArray().Select(process => (string)process!["name"]!),
            Is.EquivalentTo(["postgres", "redis", "rabbitmq", "epmd", "supervisor"])
        );

        string address = $"http://127.0.0.1:{Ports.Free()}";
        using Process api = Start(
            DotnetHost.Path,
            [Clone.Current.ProgramOf("Generation.Api"), "--urls", address],
            Second,
            ("GENERATION_SETTINGS", Path.Combine(Second.Root, "settings.json")),
            ("ASPNETCORE_ENVIRONMENT", "Development")
        );
        Task<string> output = api.StandardOutput.ReadToEndAsync(token);
        try
        {
            using var client = new RestClient(address, (await File.ReadAllTextAsync(Path.Combine(Second.Root, "key"), token)).Trim());
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

    [
        Test,
        DependsOnTest(nameof(UpServersOnly_ProgramStartedByHand_FindsTheServersByTheSettingsFile), AllowFailure = true),
        CancelAfter(300_000)
    ]
    public async Task Up_ApiDiesWhileAWorkerIsStarting_StartsItAgain(CancellationToken token)
    {
        // Its worker waits for somebody to write the model's entry
        string models = Directory.CreateDirectory(Path.Combine(Second.Root, "models")).FullName;
        string entry = Path.Combine(models, "demo.json");
        foreach (string name in (string[])["demo", "demo-motion", "demo-upscaler"])
        {
            Directory.CreateSymbolicLink(Path.Combine(models, name), TestModels.Embedded(name));
        }

        using (var pipe = Process.Start("mkfifo", [entry]))
        {
            await pipe.WaitForExitAsync(token);
        }

        using Process up = Start(DotnetHost.Path, [Program, "up"], Second, ("Models__Path", models));
        Task<string> output = up.StandardOutput.ReadToEndAsync(token);
        Task<string> told = up.StandardError.ReadToEndAsync(token);
        Process? writer = null;
        try
        {
            var api = new ManagedProcess(Second.Run, "api");
            while (!new ManagedProcess(Second.Run, "worker-1").IsRunning || api.Pid is null)
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
            await RunAsync(["up", "--servers-only"], Second, CancellationToken.None);
        }
    }

    [Test, DependsOnTest(nameof(Up_ApiDiesWhileAWorkerIsStarting_StartsItAgain), AllowFailure = true), CancelAfter(240_000)]
    public async Task Up_AnotherClone_RunsBesideAndDownsAlone(CancellationToken token)
    {
        try
        {
            Ended up = await RunAsync(["up"], Second, token);
            Assert.That(up.Code, Is.Zero, up.Text);
            JsonNode theirs = await HealthyAsync(token, Second);
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
            await RunAsync(["down"], Second, CancellationToken.None);
        }

        await HealthyAsync(token);
    }

    [Test, DependsOnTest(nameof(Up_AnotherClone_RunsBesideAndDownsAlone), AllowFailure = true), CancelAfter(300_000)]
    public async Task Up_Interrupted_LeavesNothingRunning(CancellationToken token)
    {
        // Its worker waits for somebody to write the model's entry, so that it is still starting whenever the interrupt comes
        string models = Directory.CreateDirectory(Path.Combine(Second.Root, "models-in-the-making")).FullName;
        using (var pipe = Process.Start("mkfifo", [Path.Combine(models, "demo.json")]))
        {
            await pipe.WaitForExitAsync(token);
        }

        // Whoever runs the tests in the background has the interrupt ignored, which processes pass on to those that they start
        using Process up = Start("env", ["--default-signal=INT", DotnetHost.Path, Program, "up"], Second, ("Models__Path", models));
        while (!new ManagedProcess(Second.Run, "worker-1").IsRunning)
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
        Assert.That(names.Where(name => new ManagedProcess(Second.Run, name).IsRunning), Is.Empty);
    }
}
