using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Generation.Hosting;

namespace Generation.Faces.Tests.Clients;

/// <summary>Runs a script with another service's JavaScript library. The libraries are installed into artifacts/ at first use.</summary>
internal static class NodeClient
{
    private static readonly TimeSpan InstallLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RunLimit = TimeSpan.FromMinutes(8);
    private static readonly SemaphoreSlim Installing = new(1, 1);

    private static string Source => Path.Combine(Clone.Current.Root, "tests", "Faces", "Clients");

    /// <summary>The JSON object that a script of this folder prints.</summary>
    public static async Task<JsonElement> RunAsync(string script, params (string Name, string Value)[] environment)
    {
        string folder = await InstallAsync();
        // All of them: one may import another
        foreach (string source in Directory.EnumerateFiles(Source, "*.mjs"))
        {
            File.Copy(source, Path.Combine(folder, Path.GetFileName(source)), overwrite: true);
        }

        (int code, string output, string errors) = await RunAsync("node", [Path.Combine(folder, script)], folder, RunLimit, environment);
        Assert.That(code, Is.Zero, $"{script} ended with {code}:\n{errors}\n{output}");
        return JsonDocument.Parse(output).RootElement;
    }

    private static async Task<string> InstallAsync()
    {
        string folder = Path.Combine(Clone.Current.Root, "artifacts", "face-clients");
        byte[] wanted = SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(Source, "package-lock.json")));
        string mark = Path.Combine(folder, ".installed");
        await Installing.WaitAsync();
        try
        {
            if (File.Exists(mark) && (await File.ReadAllBytesAsync(mark)).AsSpan().SequenceEqual(wanted))
            {
                return folder;
            }

            Directory.CreateDirectory(folder);
            foreach (string name in new[] { "package.json", "package-lock.json" })
            {
                File.Copy(Path.Combine(Source, name), Path.Combine(folder, name), overwrite: true);
            }

            (int code, string output, string errors) = await RunAsync(
                "npm",
                ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                folder,
                InstallLimit
            );
            Assert.That(
                code,
                Is.Zero,
                $"The JavaScript libraries could not be installed (npm ci in {folder}); is the npm registry reachable?\n{errors}\n{output}"
            );
            await File.WriteAllBytesAsync(mark, wanted);
            return folder;
        }
        finally
        {
            Installing.Release();
        }
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(
        string program,
        string[] arguments,
        string folder,
        TimeSpan limit,
        params (string Name, string Value)[] environment
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new AssertionException(
                $"'{program}' is missing: it runs other services' JavaScript libraries. As root: apt-get install nodejs npm",
                e
            );
        }

        using (process)
        {
            using var time = new CancellationTokenSource(limit);
            Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
            try
            {
                await process.WaitForExitAsync(time.Token);
            }
            catch (OperationCanceledException e)
            {
                process.Kill(entireProcessTree: true);
                throw new AssertionException(
                    $"'{program} {string.Join(' ', arguments)}' did not end within {limit.TotalMinutes} "
                        + $"minutes:\n{await errors}\n{await output}",
                    e
                );
            }

            return (process.ExitCode, await output, await errors);
        }
    }
}
