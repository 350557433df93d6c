using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using Generation.Hosting;

namespace Generation.Cli.Tests;

/// <summary>deploy/gpu/check where something is missing: it says what, builds nothing, and ends with its own code.</summary>
[TestFixture]
public sealed class GpuScriptTests
{
    private string _path = null!;

    [SetUp]
    public void MakePath()
    {
        // Of the machine's programs only those that the script begins with: no nvidia-smi, dotnet or Python, wherever this runs
        _path = Directory.CreateTempSubdirectory("generation-path-").FullName;
        foreach (string program in new[] { "bash", "dirname", "sed", "mkdir", "tar", "gzip", "rm" })
        {
            File.CreateSymbolicLink(Path.Combine(_path, program), Path.Combine("/usr/bin", program));
        }
    }

    [TearDown]
    public void RemovePath() => Directory.Delete(_path, recursive: true);

    [Test, CancelAfter(240_000)]
    public async Task Check_WithoutAGpu_SaysSoAndEndsWithThree(CancellationToken token)
    {
        (int code, string said) = await CheckAsync([], token);

        Assert.That(code, Is.EqualTo(3), said);
        Assert.That(said, Does.StartWith("No GPU here"));
        Assert.That(Directory.Exists(Artifacts), Is.False);
    }

    [Test, CancelAfter(240_000)]
    public async Task Check_WithoutDotnet_SaysHowToGoOnAndEndsWithFour(CancellationToken token)
    {
        Put("nvidia-smi", "echo a GPU");
        (int code, string said) = await CheckAsync([], token);

        Assert.That(code, Is.EqualTo(4), said);
        Assert.That(said, Does.Contain("dotnet is missing").And.Contain("deploy/gpu/publish"));
    }

    [TestCase(null, "python3 is missing")]
    [TestCase("exit 1", "python3 has no torch: python3 -m pip install 'torch==2.")]
    [TestCase("echo 2.10.0 none /nowhere", "without CUDA")]
    [TestCase("[ $# -gt 2 ] && exit 1; echo 2.3.1 12.1 /nowhere", "does not fit torch 2.3.1")]
    [CancelAfter(240_000)]
    public async Task Check_OverAPythonThatDoesNotDo_SaysWhyAndEndsWithFour(string? python, string says, CancellationToken token)
    {
        Put("nvidia-smi", "echo a GPU");
        if (python is not null)
        {
            Put("python3", python);
        }

        string folder = Directory.CreateDirectory(Path.Combine(_path, "published")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "libLibTorchSharp.so"), "no library", token);
        string archive = Path.Combine(_path, "published.tar.gz");
        await using (FileStream file = File.Create(archive))
        await using (var zip = new GZipStream(file, CompressionMode.Compress))
        {
            await TarFile.CreateFromDirectoryAsync(folder, zip, includeBaseDirectory: false, token);
        }

        (int code, string said) = await CheckAsync(["--published", archive], token);

        Assert.That(code, Is.EqualTo(4), said);
        Assert.That(said, Does.Contain(says));
    }

    private string Artifacts => Path.Combine(_path, "artifacts");

    private void Put(string program, string script)
    {
        string path = Path.Combine(_path, program);
        File.WriteAllText(path, $"#!/usr/bin/bash\n{script}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private async Task<(int Code, string Said)> CheckAsync(string[] arguments, CancellationToken token)
    {
        string script = Path.Combine(Clone.Current.Root, "deploy", "gpu", "check");
        var info = new ProcessStartInfo("/usr/bin/bash", [script, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true };
        info.Environment["PATH"] = _path;
        info.Environment["GENERATION_GPU_ARTIFACTS"] = Artifacts;
        using Process process = Process.Start(info)!;
        string said = await process.StandardOutput.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        return (process.ExitCode, said);
    }
}
