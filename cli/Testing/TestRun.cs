using System.Diagnostics;
using System.Xml;
using System.Xml.Linq;
using Generation.Hosting;

namespace Generation.Cli.Testing;

/// <summary>One test's end.</summary>
/// <param name="Name">Full name.</param>
/// <param name="Outcome">passed, failed or skipped.</param>
/// <param name="Message">Why it failed or was skipped.</param>
internal sealed record TestResult(string Name, TestOutcome Outcome, string? Message);

internal enum TestOutcome
{
    Passed,
    Failed,
    Skipped,
}

/// <summary>A test project's run in a process of its own, its results read from the file that the runner writes.</summary>
internal sealed record TestRun(IReadOnlyList<TestResult> Results)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);

    /// <summary>
    /// How long a test process may be silent. It writes a line for each test that ends; after so long without one, a test or the clearing
    /// up after it is taken for hung, and the process is killed.
    /// </summary>
    private static readonly TimeSpan HangLimit = TimeSpan.FromMinutes(10);

    /// <summary>The exit code of a test program whose filter leaves no test.</summary>
    private const int NoTests = 8;

    public static async Task<TestRun> RunAsync(
        Clone clone,
        string project,
        string folder,
        string? servers,
        string? filter,
        CancellationToken token
    )
    {
        string trx = Path.Combine(folder, project + ".trx");
        string log = Path.Combine(folder, project + ".log");
        if (!File.Exists(clone.ProgramOf(project)))
        {
            return Broken(project, $"{clone.ProgramOf(project)} is not built.");
        }

        var info = new ProcessStartInfo(DotnetHost.Path)
        {
            WorkingDirectory = clone.Root,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (servers is not null)
        {
            info.Environment[TestServersSetting.FolderVariable] = servers;
        }

        // Threads of libtorch that have nothing to do sleep, and take no core from the project that runs beside
        info.Environment["OMP_WAIT_POLICY"] = "passive";
        if (!TestPlan.IsAboutThreads(project))
        {
            // Threads of one computation that wait for one another cost more than they gain where other projects have the cores
            info.Environment["OMP_NUM_THREADS"] = $"{Math.Max(1, Environment.ProcessorCount / TestPlan.AtATime)}";
        }

        // Most processes of tests live for seconds: only what is called very often (0x400 times) is worth a second compilation
        info.Environment["DOTNET_TC_CallCountThreshold"] = "400";
        // And those of .NET's pool
        info.Environment["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0";
        info.Environment["TESTINGPLATFORM_TELEMETRY_OPTOUT"] = "1";
        string[] arguments =
        [
            clone.ProgramOf(project),
            "--report-trx",
            "--report-trx-filename",
            Path.GetFileName(trx),
            "--results-directory",
            folder,
            "--output",
            "Detailed",
            "--no-ansi",
            "--progress",
            "off",
        ];
        foreach (string argument in filter is null ? arguments : [.. arguments, "--filter", filter])
        {
            info.ArgumentList.Add(argument);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        using Process process = Process.Start(info) ?? throw new InvalidOperationException("dotnet could not be started.");
        try
        {
            await KeepOutputAsync(process, log, limit);
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            token.ThrowIfCancellationRequested();
            return Broken(
                project,
                $"It did not end within {Limit.TotalMinutes:0} minutes, or ended no test for {HangLimit.TotalMinutes:0}: {log}"
            );
        }

        IReadOnlyList<TestResult>? results = Read(trx);
        bool failed = results?.Any(result => result.Outcome == TestOutcome.Failed) ?? false;
        return (results, process.ExitCode) switch
        {
            (null or [], 0 or NoTests) => new TestRun([]),
            (null, _) => Broken(project, $"It ended with {process.ExitCode} and left no results: {log}"),
            // A test process that dies takes with it the tests that it had not come to
            (_, not 0) when !failed => Broken(project, $"It ended with {process.ExitCode} before all tests had run: {log}", results),
            _ => new TestRun(results),
        };
    }

    /// <summary>Writes the output of the process to a file, line by line, so that it can be read while the process runs.</summary>
    /// <param name="process">With both outputs redirected.</param>
    /// <param name="path">The file.</param>
    /// <param name="limit">Is cancelled when the process has been silent for too long, or has run for too long.</param>
    private static async Task KeepOutputAsync(Process process, string path, CancellationTokenSource limit)
    {
        long start = Stopwatch.GetTimestamp();
        await using var log = TextWriter.Synchronized(new StreamWriter(path) { AutoFlush = true });
        await Task.WhenAll(KeepAsync(process.StandardOutput), KeepAsync(process.StandardError));

        async Task KeepAsync(StreamReader output)
        {
            string? line;
            do
            {
                TimeSpan left = Limit - Stopwatch.GetElapsedTime(start);
                limit.CancelAfter(
                    left > HangLimit ? HangLimit
                    : left > TimeSpan.Zero ? left
                    : TimeSpan.Zero
                );
                line = await output.ReadLineAsync(limit.Token);
                if (line is not null)
                {
                    await log.WriteLineAsync(line);
                }
            } while (line is not null);
        }
    }

    /// <summary>A run that did not come to its end counts as a failed test.</summary>
    private static TestRun Broken(string project, string message, IReadOnlyList<TestResult>? results = null) =>
        new([.. results ?? [], new TestResult(project, TestOutcome.Failed, message)]);

    private static List<TestResult>? Read(string trx)
    {
        if (!File.Exists(trx))
        {
            return null;
        }

        XDocument document;
        try
        {
            document = XDocument.Load(trx);
        }
        catch (XmlException)
        {
            return null;
        }

        XNamespace ns = document.Root!.Name.Namespace;
        // The short name of a case says its arguments, the class only stands with the definition
        var classes = document
            .Descendants(ns + "UnitTest")
            .ToDictionary(
                test => (string)test.Attribute("id")!,
                test => (string?)test.Element(ns + "TestMethod")?.Attribute("className") ?? ""
            );
        return
        [
            .. document
                .Descendants(ns + "UnitTestResult")
                .Select(result => new TestResult(
                    $"{classes.GetValueOrDefault((string)result.Attribute("testId")!)}.{(string?)result.Attribute("testName")}",
                    (string?)result.Attribute("outcome") switch
                    {
                        "Passed" => TestOutcome.Passed,
                        "NotExecuted" or "Inconclusive" => TestOutcome.Skipped,
                        _ => TestOutcome.Failed,
                    },
                    Message(result.Element(ns + "Output"), ns)
                )),
        ];
    }

    private static string? Message(XElement? output, XNamespace ns)
    {
        XElement? error = output?.Element(ns + "ErrorInfo");
        string? message = (string?)error?.Element(ns + "Message");
        string? place = ((string?)error?.Element(ns + "StackTrace"))
            ?.Split('\n')
            .FirstOrDefault(line => line.Contains("/tests/", StringComparison.Ordinal))
            ?.Trim();
        return message is null ? null : string.Join('\n', new[] { message.Trim(), place }.Where(line => line is not null));
    }
}
