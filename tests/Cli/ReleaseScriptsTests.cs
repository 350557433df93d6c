using System.Diagnostics;
using System.Text.Json;
using System.Xml.Linq;
using Generation.Hosting;

namespace Generation.Cli.Tests;

/// <summary>What a release is made with.</summary>
public sealed class ReleaseScriptsTests
{
    [Test, CancelAfter(600_000)]
    public async Task Sbom_NamesEachProgramAndThePackagesThatItIsLockedTo(CancellationToken token)
    {
        string folder = Directory.CreateTempSubdirectory("generation-sbom-").FullName;
        try
        {
            string said = await RunAsync(Path.Combine(Clone.Current.Root, "deploy", "sbom"), folder, token);

            string version = XDocument
                .Load(Path.Combine(Clone.Current.Root, "Directory.Build.props"))
                .Descendants("Version")
                .Single()
                .Value;
            foreach ((string program, string project) in Programs)
            {
                string file = Path.Combine(folder, program + ".cdx.json");
                Assert.That(said, Does.Contain(file));
                using var bill = JsonDocument.Parse(await File.ReadAllBytesAsync(file, token));
                Assert.That(bill.RootElement.GetProperty("bomFormat").GetString(), Is.EqualTo("CycloneDX"));
                JsonElement component = bill.RootElement.GetProperty("metadata").GetProperty("component");
                Assert.That(component.GetProperty("name").GetString(), Is.EqualTo(program));
                Assert.That(component.GetProperty("version").GetString(), Is.EqualTo(version));
                string[] listed =
                [
                    .. bill
                        .RootElement.GetProperty("components")
                        .EnumerateArray()
                        .Select(part => $"{part.GetProperty("name").GetString()} {part.GetProperty("version").GetString()}"),
                ];
                Assert.That(LockedPackages(project).Except(listed, StringComparer.OrdinalIgnoreCase), Is.Empty, program);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static readonly (string Program, string Project)[] Programs =
    [
        ("generation-api", "api"),
        ("generation-worker", "worker/Service"),
        ("generation-cli", "cli"),
    ];

    /// <summary>What the project's lock file names, direct and not; analyzers, which no program ships, do not count.</summary>
    private static IEnumerable<string> LockedPackages(string project)
    {
        using var locked = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Clone.Current.Root, project, "packages.lock.json")));
        foreach (JsonProperty package in locked.RootElement.GetProperty("dependencies").EnumerateObject().First().Value.EnumerateObject())
        {
            if (
                package.Value.TryGetProperty("resolved", out JsonElement resolved)
                && !package.Name.Contains("Analyzer", StringComparison.Ordinal)
            )
            {
                yield return $"{package.Name} {resolved.GetString()}";
            }
        }
    }

    private static async Task<string> RunAsync(string program, string argument, CancellationToken token)
    {
        using Process process = Process.Start(
            new ProcessStartInfo(program, [argument])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(token);
        Task<string> errors = process.StandardError.ReadToEndAsync(token);
        try
        {
            await process.WaitForExitAsync(token);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        Assert.That(process.ExitCode, Is.Zero, await errors + await output);
        return await output;
    }
}
