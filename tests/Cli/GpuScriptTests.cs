using System.Diagnostics;

namespace Generation.Cli.Tests;

/// <summary>deploy/gpu/check where there is no GPU: it says so, builds nothing, and ends with its own code.</summary>
[TestFixture]
public sealed class GpuScriptTests
{
    [Test, CancelAfter(240_000)]
    public async Task Check_WithoutAGpu_SaysSoAndEndsWithThree(CancellationToken token)
    {
        // Of the machine's programs only those that the script begins with: nvidia-smi is not among them, wherever this runs
        string path = Directory.CreateTempSubdirectory("generation-path-").FullName;
        try
        {
            foreach (string program in new[] { "bash", "dirname" })
            {
                File.CreateSymbolicLink(Path.Combine(path, program), Path.Combine("/usr/bin", program));
            }

            string script = Path.Combine(Clone.Current.Root, "deploy", "gpu", "check");
            string artifacts = Path.Combine(path, "artifacts");
            var info = new ProcessStartInfo("/usr/bin/bash", [script]) { UseShellExecute = false, RedirectStandardOutput = true };
            info.Environment["PATH"] = path;
            info.Environment["GENERATION_GPU_ARTIFACTS"] = artifacts;
            using Process process = Process.Start(info)!;
            string said = await process.StandardOutput.ReadToEndAsync(token);
            await process.WaitForExitAsync(token);

            Assert.That(process.ExitCode, Is.EqualTo(3), said);
            Assert.That(said, Does.StartWith("No GPU here"));
            Assert.That(Directory.Exists(artifacts), Is.False);
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
