using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using Generation.Cli.Output;
using Generation.Cli.Testing;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Cli.Commands;

/// <summary>The command `test`: runs all test projects, several at a time, on servers that are started once.</summary>
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
        var lines = new ProgressLines();
        string results = Path.Combine(clone.Root, "artifacts", "test-results");
        if (Directory.Exists(results))
        {
            Directory.Delete(results, recursive: true);
        }

        Directory.CreateDirectory(results);
        var all = new ConcurrentQueue<TestResult>();
        try
        {
            if (servers is not null)
            {
                await Step.RunAsync("start servers for the tests", () => servers.EnsureAsync(started: null, token));
                lines.Report("PostgreSQL, Redis and RabbitMQ serve");
            }

            await TestPlan
                .Of(clone)
                .RunAsync(
                    async project =>
                    {
                        lines.Report($"{project} ...");
                        long began = Stopwatch.GetTimestamp();
                        TestRun run = await TestRun.RunAsync(clone, project, results, servers?.Folder.Root, filter, token);
                        foreach (TestResult result in run.Results)
                        {
                            all.Enqueue(result);
                        }

                        lines.Report($"{project}: {TestSummary.Counts(run.Results)}, {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s");
                    },
                    token
                );
        }
        finally
        {
            if (servers is not null)
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
                await servers.StopAsync(limit.Token);
            }
        }

        return TestSummary.Write([.. all], lines.Elapsed, results, filter);
    }
}
