using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Generation.Benchmarks;

/// <summary>What people run on the same machine instead.</summary>
internal static partial class OtherEngines
{
    /// <summary>
    /// OpenVINO's time for the same step: GENERATION_OPENVINO_ANCHOR names a folder with step.py, which is called with the
    /// precision, the threads and the runs, and GENERATION_OPENVINO_PYTHON a Python that has OpenVINO (else python3).
    /// </summary>
    public static void OpenVino(Report report, double ownStep)
    {
        const string name = "sd15_guided_step_bf16_openvino";
        string? folder = Environment.GetEnvironmentVariable("GENERATION_OPENVINO_ANCHOR");
        if (folder is null || !File.Exists(Path.Combine(folder, "step.py")))
        {
            report.Skip(name, "set GENERATION_OPENVINO_ANCHOR to a folder with step.py to time OpenVINO beside it");
            return;
        }

        string python = Environment.GetEnvironmentVariable("GENERATION_OPENVINO_PYTHON") ?? "python3";
        (string output, string? failure) = Call(python, [Path.Combine(folder, "step.py"), "bf16", get_num_threads().ToString(), "4"]);
        Match seconds = SecondsOfOpenVino().Match(output);
        if (failure is not null || !seconds.Success)
        {
            report.Skip(name, $"{python} step.py did not run: {failure ?? output.Trim()}");
            return;
        }

        double theirs = double.Parse(seconds.Groups["seconds"].Value, CultureInfo.InvariantCulture);
        report.Add(name, theirs, "s", ownStep, ownStep / theirs, "OpenVINO on the same network; ratio is our time over theirs");
    }

    // another Python may come first on PATH, which does not see Debian's packages
    private const string DebiansPython = "/usr/bin/python3";

    /// <summary>Python's torch on the same libtorch (Debian's python3-torch): the step's heaviest operations, as Python calls them.</summary>
    public static void PythonTorch(Report report)
    {
        string script = string.Join('\n',
            "import sys, time, torch",
            "torch.set_num_threads(int(sys.argv[1])); F = torch.nn.functional",
            "def best(f):",
            "    f(); b = 1e9; end = time.perf_counter() + 1",
            "    while time.perf_counter() < end:",
            "        s = time.perf_counter(); f(); b = min(b, time.perf_counter() - s)",
            "    return b",
            "with torch.inference_mode():",
            "    x = torch.randn(2, 320, 64, 64).bfloat16().to(memory_format=torch.channels_last); w = torch.randn(320, 320, 3, 3).bfloat16().to(memory_format=torch.channels_last)",
            "    print('conv', 2 * 2 * 4096 * 320 * 320 * 9 / best(lambda: F.conv2d(x, w, padding=1)) / 1e9)",
            "    a = torch.randn(8192, 320).bfloat16(); l = torch.randn(2560, 320).bfloat16()",
            "    print('linear', 2 * 8192 * 320 * 2560 / best(lambda: F.linear(a, l)) / 1e9)",
            "    q = torch.randn(16, 4096, 40).bfloat16()",
            "    sdpa = getattr(F, 'scaled_dot_product_attention', None)",
            "    attend = (lambda: sdpa(q, q, q)) if sdpa else (lambda: torch.bmm(torch.softmax(torch.bmm(q, q.transpose(1, 2)) * 40 ** -0.5, -1), q))",
            "    print('attention', 4 * 16 * 4096 * 4096 * 40 / best(attend) / 1e9)");
        (string output, string? failure) = Call(File.Exists(DebiansPython) ? DebiansPython : "python3", ["-c", script, get_num_threads().ToString()]);
        if (failure is not null)
        {
            report.Skip("python_torch", "Python's torch is not there (Debian: apt install python3-torch): " + failure);
            return;
        }

        foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = line.Split(' ');
            report.Add($"python_torch_{parts[0]}_bf16", double.Parse(parts[1], CultureInfo.InvariantCulture), "GFLOP/s", note: "the same shape, from Python");
        }
    }

    private static (string Output, string? Failure) Call(string program, string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromMinutes(8)))
            {
                process.Kill(entireProcessTree: true);
                return ("", "it took longer than 8 minutes");
            }

            string last = errors.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";
            return (output.Result, process.ExitCode == 0 ? null : last);
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            return ("", error.Message);
        }
    }

    [GeneratedRegex(@"(?<seconds>[\d.]+) s a guided step", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex SecondsOfOpenVino();
}
