using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Generation.Torch.Tests;

/// <summary>
/// The fused forms on processors with fewer instructions than this one: <see cref="FusedTests"/> again, in processes that may use no more.
/// </summary>
public sealed partial class LesserProcessorTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    // TorchRuntime bounds the libraries inside libtorch by the same variable
    [TestCase("baseline")]
    [TestCase("avx2")]
    [TestCase("avx512")]
    [TestCase("avx512_bf16")]
    public async Task FusedForms_WithFewerInstructions_EqualTheComposedOnes(string most)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(
            dotnet,
            [typeof(FusedTests).Assembly.Location, "--filter", $"FullyQualifiedName~{nameof(FusedTests)}", "--no-ansi"]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // Its summary is read below
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["GENERATION_MAX_ISA"] = most;
        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            string all = await output + await errors;
            Assert.That(process.ExitCode, Is.Zero, all);
            Match passed = Succeeded().Match(all);
            Assert.That(passed.Success, Is.True, all);
            Assert.That(int.Parse(passed.Groups["count"].Value, CultureInfo.InvariantCulture), Is.GreaterThan(30), all);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    [GeneratedRegex(@"succeeded:\s*(?<count>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Succeeded();
}
