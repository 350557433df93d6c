using System.CommandLine;
using Generation.Cli.Output;
using Generation.Cli.Running;
using Generation.Cli.Servers;

namespace Generation.Cli.Commands;

/// <summary>`test`: all test projects against servers that are started once.</summary>
internal static class TestCommand
{
    public static Command Create()
    {
        var filter = new Option<string?>("--filter")
        {
            Description =
                "Only tests whose full name contains this (or a filter expression of dotnet test). `Goldens` runs the reference cases, "
                + "of the folder GOLDENS_DIR where that is set.",
        };
        var command = new Command("test", "Run the tests, against private servers of their own.") { filter };
        command.SetAction((result, token) => RunAsync(result.GetValue(filter), token));
        return command;
    }

    private static async Task<int> RunAsync(string? filter, CancellationToken token)
    {
        Clone clone = Clone.Current;
        // In containers each project starts its own
        PrivateServers? servers = TestServersSetting.InContainers
            ? null
            : new PrivateServers(DataFolder.Temporary("test"), new ServerSettings(Durable: false));
        var lines = new Lines();
        string results = Path.Combine(clone.Root, "artifacts", "test-results");
        if (Directory.Exists(results))
        {
            Directory.Delete(results, recursive: true);
        }

        Directory.CreateDirectory(results);
        var all = new List<TestResult>();
        try
        {
            if (servers is not null)
            {
                await Step.RunAsync("start servers for the tests", () => servers.EnsureAsync(started: null, token));
                lines.Report("PostgreSQL, Redis and RabbitMQ serve");
            }

            foreach (string project in Projects(clone))
            {
                lines.Report($"{project} ...");
                TestRun run = await TestRun.RunAsync(clone, project, results, servers?.Folder.Root, filter, token);
                all.AddRange(run.Results);
                lines.Report($"{project}: {TestSummary.Counts(run.Results)}");
            }
        }
        finally
        {
            if (servers is not null)
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
                await servers.StopAsync(limit.Token);
            }
        }

        return TestSummary.Write(all, results, filter);
    }

    /// <summary>Every test project, the quick ones before the whole system.</summary>
    private static IEnumerable<string> Projects(Clone clone) =>
        Directory
            .EnumerateFiles(Path.Combine(clone.Root, "tests"), "*.Tests.csproj", SearchOption.AllDirectories)
            .Select(path => Path.GetFileNameWithoutExtension(path))
            .OrderBy(name => name.Contains("EndToEnd", StringComparison.Ordinal) || name.Contains("Chaos", StringComparison.Ordinal))
            .ThenBy(name => name, StringComparer.Ordinal);
}
