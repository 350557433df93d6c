using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Generation.Hosting.Servers;

namespace Generation.Hosting.Tests;

/// <summary>What dies is started again, after longer and longer pauses; what is stopped is not.</summary>
public sealed partial class SupervisorTests
{
    private DataFolder _folder = null!;
    private Said _said = null!;

    [SetUp]
    public void MakeFolder()
    {
        _folder = DataFolder.Temporary("supervised");
        _said = new Said();
    }

    [Test, CancelAfter(240_000)]
    public async Task Look_ProcessThatWasKilled_IsStartedAgainAndSaid(CancellationToken token)
    {
        ManagedProcess process = Start("sleeper", "sleep 600");
        var supervisor = new Supervisor(() => [Of(process, "sleep 600")], _said, TimeProvider.System);
        await supervisor.LookAsync(token);
        int first = process.Pid!.Value;

        await process.KillAsync(token);
        Assert.That(supervisor.HasWork);
        await supervisor.LookAsync(token);
        await supervisor.LookAsync(token);

        Assert.That(process.Pid, Is.Not.Null.And.Not.EqualTo(first));
        Assert.That(process.Restarts, Is.EqualTo((1, process.Restarts.At)));
        Assert.That(_said.Words, Has.Some.Contains("sleeper died").And.Some.Contains("sleeper was started again"));
        await process.KillAsync(token);
    }

    [Test, CancelAfter(240_000)]
    public async Task Look_ProcessThatWasStopped_IsLeft(CancellationToken token)
    {
        ManagedProcess process = Start("sleeper", "sleep 600");
        var supervisor = new Supervisor(() => [Of(process, "sleep 600")], _said, TimeProvider.System);

        await process.StopAsync(Posix.SigTerm, TimeSpan.FromSeconds(30), token);
        await supervisor.LookAsync(token);

        Assert.That((supervisor.HasWork, process.IsRunning), Is.EqualTo((false, false)));
        Assert.That(_said.Words, Is.Empty);
    }

    [Test, CancelAfter(240_000)]
    public async Task Look_ProcessThatDiesAtOnce_WaitsLongerEachTime(CancellationToken token)
    {
        ManagedProcess process = Start("short", "sleep 0.2");
        var supervisor = new Supervisor(() => [Of(process, "sleep 0.2")], _said, TimeProvider.System);
        while (supervisor.Worst.Deaths < 4)
        {
            await supervisor.LookAsync(token);
            await Task.Delay(20, token);
        }

        string[] deaths = [.. _said.Words.Where(word => word.Contains("short died", StringComparison.Ordinal))];
        Assert.That(deaths[0], Does.Not.Contain(" s."), "the first time at once");
        Assert.That(deaths[1..].Select(word => int.Parse(Seconds().Match(word).Groups["seconds"].Value)), Is.EqualTo([1, 2, 4]));
    }

    [Test, CancelAfter(240_000)]
    public async Task Look_OneIsStartingForLong_OthersAreStartedMeanwhile(CancellationToken token)
    {
        ManagedProcess slow = Start("slow", "sleep 600");
        ManagedProcess quick = Start("quick", "sleep 600");
        var serves = new TaskCompletionSource();
        var supervisor = new Supervisor(() => [new Supervised(slow, _ => serves.Task), Of(quick, "sleep 600")], _said, TimeProvider.System);
        await slow.KillAsync(token);
        await supervisor.LookAsync(token);

        await quick.KillAsync(token);
        await supervisor.LookAsync(token);

        Assert.That((supervisor.IsStarting, slow.IsRunning, quick.IsRunning), Is.EqualTo((true, false, true)));
        serves.SetResult();
        await quick.KillAsync(token);
    }

    [Test, CancelAfter(240_000)]
    public async Task Look_OneThatCannotEvenBeTried_IsSaidAndOthersAreStarted(CancellationToken token)
    {
        ManagedProcess broken = Start("broken", "sleep 600");
        ManagedProcess good = Start("good", "sleep 600");
        var supervisor = new Supervisor(
            () => [new Supervised(broken, _ => throw new InvalidOperationException("no settings")), Of(good, "sleep 600")],
            _said,
            TimeProvider.System
        );
        await broken.KillAsync(token);
        await good.KillAsync(token);

        await supervisor.LookAsync(token);
        await supervisor.LookAsync(token);

        Assert.That((broken.IsRunning, good.IsRunning), Is.EqualTo((false, true)));
        Assert.That(_said.Words, Has.Some.Contains("broken could not be started: no settings"));
        await good.KillAsync(token);
    }

    [Test]
    public void Rotate_NoRoomForTheCopy_LetsTheOneBeforeGoAndEmptiesTheLog()
    {
        string log = Path.Combine(_folder.Logs, "full.log");
        File.WriteAllText(log, new string('a', 20_000));
        File.WriteAllText(log + ".1", "of yesterday");
        // Whatever is written there finds the disk full
        File.CreateSymbolicLink(log + ".1.new", "/dev/full");

        LogFile.Rotate(log, maxBytes: 5000);

        Assert.That((new FileInfo(log).Length, new FileInfo(log + ".1").Length), Is.EqualTo((0, 20_000)));
        Assert.That(File.Exists(log + ".1.new"), Is.False);
    }

    [Test, CancelAfter(240_000)]
    public async Task Rotate_WhileTheProcessWrites_KeepsWhatWasAndGoesOn(CancellationToken token)
    {
        ManagedProcess process = Start("writer", "i=0; while :; do i=$((i + 1)); echo \"line $i of many\"; sleep 0.001; done");
        string log = process.Log!;
        await UntilAsync(() => File.Exists(log) && new FileInfo(log).Length > 10_000, token);

        LogFile.Rotate(log, maxBytes: 5000);

        await UntilAsync(() => File.Exists(log) && new FileInfo(log).Length > 2000, token);
        await process.KillAsync(token);
        string[] old = await File.ReadAllLinesAsync(log + ".1", token);
        string[] now = await File.ReadAllLinesAsync(log, token);
        Assert.That(old, Has.Length.GreaterThan(300));
        Assert.That(old[..^1].Concat(now[..^1]), Is.All.Match("^line [0-9]+ of many$"));
        Assert.That(Number(now[0]), Is.GreaterThan(Number(old[^1])));
        Assert.That(File.GetUnixFileMode(log + ".1"), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));

        static int Number(string line) => int.Parse(line.Split(' ')[1]);
    }

    [Test, CancelAfter(240_000)]
    public async Task Start_SettingWithADotInItsName_ReachesTheProgram(CancellationToken token)
    {
        var process = new ManagedProcess(_folder.Run, "dots");
        process.Start(LaunchOf("env", [], "dots") with { Environment = new Dictionary<string, string> { ["A__Some.Library"] = "x y=z" } });

        await UntilAsync(() => !process.IsRunning, token);

        Assert.That(await File.ReadAllLinesAsync(process.Log!, token), Does.Contain("A__Some.Library=x y=z"));
    }

    private ManagedProcess Start(string name, string script)
    {
        var process = new ManagedProcess(_folder.Run, name);
        process.Start(LaunchOf("bash", ["-c", script], name));
        return process;
    }

    private Supervised Of(ManagedProcess process, string script) => new(process, _ =>
        {
            Start(process.Name, script);
            return Task.CompletedTask;
        });

    private Launch LaunchOf(string program, string[] arguments, string name) =>
        new()
        {
            Program = program,
            Arguments = arguments,
            Folder = "/",
            Log = Path.Combine(_folder.Logs, name + ".log"),
        };

    private static async Task UntilAsync(Func<bool> isSo, CancellationToken token)
    {
        while (!isSo())
        {
            await Task.Delay(20, token);
        }
    }

    [GeneratedRegex("again in (?<seconds>[0-9]+) s", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Seconds();

    private sealed class Said : IProgress<string>
    {
        private readonly ConcurrentQueue<string> _words = new();

        public IReadOnlyCollection<string> Words => _words;

        public void Report(string value) => _words.Enqueue(value);
    }
}
