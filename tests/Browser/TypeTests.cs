using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Generation.Hosting;

namespace Generation.Browser.Tests;

/// <summary>
/// The page's modules are run as they are written, without a build; TypeScript reads the types that stand in their comments. It, and the
/// types of the libraries that travel with the page, are installed into artifacts/ at first use, as tests/Browser/Types names them.
/// </summary>
public sealed class TypeTests
{
    private static string Source => Path.Combine(Clone.Current.Root, "tests", "Browser", "Types");

    private static string App => Path.Combine(Clone.Current.Root, "api", "Web", "App");

    [Test, CancelAfter(480_000)]
    public async Task Types_OfThePage_AreRight(CancellationToken token)
    {
        string folder = await InstallAsync(token);
        string copy = Path.Combine(folder, "App");
        if (Directory.Exists(copy))
        {
            Directory.Delete(copy, recursive: true);
        }

        Copy(App, copy);
        // Beside each library what its package says of it
        Copy(Path.Combine(Source, "vendor"), Path.Combine(copy, "vendor"));
        File.Copy(Path.Combine(Source, "tsconfig.json"), Path.Combine(folder, "tsconfig.json"), overwrite: true);
        string tsc = Path.Combine(folder, "node_modules", "typescript", "bin", "tsc");
        (int code, string output) = await RunAsync("node", [tsc, "--project", folder, "--pretty", "false"], folder, token);

        Assert.That(code, Is.Zero, output);
    }

    [Test]
    public void Types_OfLibraries_AreThoseOfTheirVersions()
    {
        JsonNode versions = JsonNode.Parse(File.ReadAllText(Path.Combine(App, "vendor", "versions.json")))!;
        JsonObject typed = JsonNode.Parse(File.ReadAllText(Path.Combine(Source, "package.json")))!["dependencies"]!.AsObject();

        Assert.That(
            versions.AsObject().Select(library => $"{library.Value!["package"]} {library.Value["version"]}"),
            Is.SupersetOf(typed.Where(library => library.Key != "typescript").Select(library => $"{library.Key} {library.Value}"))
        );
    }

    private static async Task<string> InstallAsync(CancellationToken token)
    {
        string folder = Directory.CreateDirectory(Path.Combine(Clone.Current.Root, "artifacts", "page-types")).FullName;
        string lockFile = Path.Combine(Source, "package-lock.json");
        string mark = Path.Combine(folder, ".installed");
        string wanted = await File.ReadAllTextAsync(lockFile, token);
        if (File.Exists(mark) && await File.ReadAllTextAsync(mark, token) == wanted)
        {
            return folder;
        }

        File.Copy(Path.Combine(Source, "package.json"), Path.Combine(folder, "package.json"), overwrite: true);
        File.Copy(lockFile, Path.Combine(folder, "package-lock.json"), overwrite: true);
        (int code, string output) = await RunAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, token);
        Assert.That(code, Is.Zero, $"TypeScript could not be installed (npm ci in {folder}); is the npm registry reachable?\n{output}");
        await File.WriteAllTextAsync(mark, wanted, token);
        return folder;
    }

    private static void Copy(string from, string to)
    {
        foreach (string path in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string place = Path.Combine(to, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(place)!);
            File.Copy(path, place, overwrite: true);
        }
    }

    private static async Task<(int Code, string Output)> RunAsync(
        string program,
        string[] arguments,
        string folder,
        CancellationToken token
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        Process started;
        try
        {
            started = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new AssertionException($"'{program}' is missing; ./generation test installs it. As root: apt-get install nodejs npm", e);
        }

        using (started)
        {
            Task<string> output = started.StandardOutput.ReadToEndAsync(CancellationToken.None);
            Task<string> errors = started.StandardError.ReadToEndAsync(CancellationToken.None);
            try
            {
                await started.WaitForExitAsync(token);
            }
            catch (OperationCanceledException)
            {
                started.Kill(entireProcessTree: true);
                throw;
            }

            return (started.ExitCode, await output + await errors);
        }
    }
}
