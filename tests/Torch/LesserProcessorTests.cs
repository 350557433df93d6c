using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Generation.Tests.Torch;

/// <summary>The fused forms on processors with fewer instructions than this one: <see cref="FusedTests"/> again, in processes that may use no more.</summary>
public sealed partial class LesserProcessorTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    // our kernels, oneDNN and libtorch, each by its own name for it
    [TestCase("baseline", "SSE41", "default")]
    [TestCase("avx2", "AVX2", "avx2")]
    [TestCase("avx512", "AVX512_CORE", null)]
    [TestCase("avx512_bf16", "AVX512_CORE_BF16", null)]
    public async Task FusedForms_WithFewerInstructions_EqualTheComposedOnes(string most, string ofOneDnn, string? ofLibtorch)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(dotnet, ["test", typeof(FusedTests).Assembly.Location, "--nologo", "--filter", $"FullyQualifiedName~{nameof(FusedTests)}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // Its summary is read below
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["GENERATION_MAX_ISA"] = most;
        start.Environment["ONEDNN_MAX_CPU_ISA"] = ofOneDnn;
        // libtorch uses what it is told even where the processor has not got it
        if (ofLibtorch is not null)
        {
            start.Environment["ATEN_CPU_CAPABILITY"] = ofLibtorch;
        }

        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            string all = await output + await errors;
            Assert.That(process.ExitCode, Is.Zero, all);
            Match passed = Passed().Match(all);
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

    [GeneratedRegex(@"Passed:\s*(?<count>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Passed();
}
