using System.Diagnostics;
using Generation.Hosting.Servers;

namespace Generation.Hosting.Tests;

/// <summary>What is left when a process ends that had a temporary data folder: nothing.</summary>
public sealed class OrphanGuardTests
{
    [Test, CancelAfter(240_000)]
    public async Task Guard_ItsProcessEnds_KillsWhatRunsInTheFolderAndDeletesIt(CancellationToken token)
    {
        string path = Path.Combine(Path.GetTempPath(), $"generation-guard-{Guid.NewGuid():N}");
        var folder = DataFolder.At(path);
        var server = new ManagedProcess(folder.Run, "sleeper");
        server.Start(
            new Launch
            {
                Program = "sleep",
                Arguments = ["600"],
                Folder = "/",
                Log = Path.Combine(folder.Logs, "sleeper.log"),
            }
        );
        using Process bystander = Process.Start("sleep", "600")!;
        try
        {
            ProcessIdentity other = ProcessIdentity.Of(bystander.Id)!;
            await File.WriteAllTextAsync(
                Path.Combine(folder.Run, "gone.json"),
                $$"""
                {
                  "process": {
                    "pid": {{other.Pid}},
                    "startTicks": {{other.StartTicks - 1}},
                    "bootId": "{{other.BootId}}"
                  },
                  "log": "/dev/null"
                }
                """,
                token
            );
            int pid = server.Pid!.Value;

            using Process guard = OrphanGuard.Start(folder);
            // As long as a guard needs that does not wait
            await Task.Delay(1000, token);
            Assert.That((server.IsRunning, Directory.Exists(path)), Is.EqualTo((true, true)), "while the pipe is open");
            guard.StandardInput.Close();
            while (Directory.Exists(path))
            {
                await Task.Delay(20, token);
            }

            Assert.That(ProcessIdentity.Of(pid)?.IsAlive ?? false, Is.False);
            Assert.That(bystander.HasExited, Is.False, "a record of an earlier process with its number is no reason to end it");
        }
        finally
        {
            bystander.Kill();
        }
    }
}
