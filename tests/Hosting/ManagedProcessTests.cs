using Generation.Hosting.Servers;
using Generation.TestSupport;

namespace Generation.Hosting.Tests;

[TestFixture, PrivateServersOnly("when one of their processes has ended")]
public sealed class ManagedProcessTests
{
    /// <summary>Listens at a port in a second thread; the first, by which the system shows the process, ends (60 is exit, of one thread).</summary>
    private const string ThreadThatOutlivesTheFirst = """
        use threads;
        use IO::Socket::INET;
        my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 1, ReuseAddr => 1) or die $!;
        threads->create(sub { sleep 600 });
        syscall(60, 0);
        """;

    /// <summary>A server that is killed has threads that end one after another, and its port is taken until the last has ended.</summary>
    [Test, CancelAfter(60_000)]
    public async Task IsRunning_FirstThreadHasEndedBeforeAnother_UntilThatHasEnded(CancellationToken token)
    {
        var folder = DataFolder.Temporary("threads");
        int port = Ports.Free();
        var process = new ManagedProcess(folder.Run, "threads");
        process.Start(
            new Launch
            {
                Program = "perl",
                Arguments = ["-e", ThreadThatOutlivesTheFirst, $"{port}"],
                Folder = "/",
                Log = Path.Combine(folder.Logs, "threads.log"),
                Port = port,
            }
        );
        string stat = $"/proc/{process.Pid}/stat";
        while (!(await File.ReadAllTextAsync(stat, token)).Contains(") Z ", StringComparison.Ordinal))
        {
            await Task.Delay(20, token);
        }

        Assert.That((process.IsRunning, Ports.IsFree(port)), Is.EqualTo((true, false)));
        await process.KillAsync(token);
        Assert.That((process.IsRunning, Ports.IsFree(port)), Is.EqualTo((false, true)));
    }
}
