using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Npgsql;

namespace Generation.Benchmarks.Jobs;

/// <summary>
/// The way of a job with work that takes no time, against bare loops over the same servers in the same run: what the
/// system costs on top of what it stands on. API and bare API are processes of their own, the load comes from here.
/// </summary>
internal static class JobsBenchmark
{
    private const int Connections = 16;
    private const int InFlight = 64;
    private const int Submitters = 128;
    private const int Turns = 3;
    private const int WarmUpJobs = 2500;
    private const int WarmUpRounds = 6;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);
    private static readonly MediaTypeHeaderValue JsonType = new("application/json");

    /// <summary>What can be measured, in the order in which it is.</summary>
    public static readonly string[] Parts = ["polls", "submits", "starts", "lives", "eta"];

    /// <param name="jobs">Of how many the whole lives are measured.</param>
    /// <param name="aged">So many jobs have ended before starts and lives are measured once more; 0: only with the database almost
    /// empty.</param>
    /// <param name="parts">What is measured; empty: all.</param>
    public static async Task RunAsync(Report report, int jobs, int aged, IReadOnlyList<string> parts, CancellationToken cancellationToken)
    {
        string[] chosen = [.. Parts.Where(p => parts.Count == 0 || parts.Contains(p))];
        if (chosen.Any(p => p != "eta"))
        {
            await MeasureAsync(report, jobs, aged, chosen, cancellationToken);
        }

        if (chosen.Contains("eta"))
        {
            await EtaBenchmark.RunAsync(report, cancellationToken);
        }
    }

    private static async Task MeasureAsync(Report report, int jobs, int aged, string[] chosen, CancellationToken cancellationToken)
    {
        await using JobsStack stack = await JobsStack.StartAsync(cancellationToken);
        foreach (string part in chosen)
        {
            await (
                part switch
                {
                    "polls" => PollsAsync(report, stack, cancellationToken),
                    "submits" => SubmitsAsync(report, stack, cancellationToken),
                    "starts" => StartsAsync(report, stack, "", cancellationToken),
                    "lives" => LivesAsync(report, stack, jobs, "", cancellationToken),
                    _ => Task.CompletedTask,
                }
            );
        }

        if (aged == 0 || !chosen.Any(p => p is "starts" or "lives"))
        {
            return;
        }

        JobDocument example = await SubmitAsync(stack, stack.Clients[0], cancellationToken);
        await stack.FinishAsync(example.Id, cancellationToken);
        await stack.AgeAsync(aged, example.Id, cancellationToken);
        await stack.VacuumedAsync(cancellationToken);
        string after = string.Create(CultureInfo.InvariantCulture, $", after {aged} jobs");
        foreach (string part in chosen)
        {
            await (
                part switch
                {
                    "starts" => StartsAsync(report, stack, after, cancellationToken),
                    "lives" => LivesAsync(report, stack, jobs, after, cancellationToken),
                    _ => Task.CompletedTask,
                }
            );
        }
    }

    /// <summary>Status polls a second, against an API that does nothing but pass Redis's document through.</summary>
    private static async Task PollsAsync(Report report, JobsStack stack, CancellationToken cancellationToken)
    {
        JobDocument job = await SubmitAsync(stack, stack.Clients[0], cancellationToken);
        await stack.FinishAsync(job.Id, cancellationToken);
        double own = 0;
        double bare = 0;
        // Turn by turn: both see the machine's same moods
        for (int turn = 0; turn < Turns; turn++)
        {
            bare = Math.Max(
                bare,
                await RateAsync(InFlight, Window, i => GetAsync(stack.Bare, $"/{job.Id}", cancellationToken), cancellationToken)
            );
            own = Math.Max(
                own,
                await RateAsync(
                    InFlight,
                    Window,
                    i => GetAsync(stack.Clients[0], $"/v1/jobs/{job.Id}", cancellationToken),
                    cancellationToken
                )
            );
        }

        report.Add("jobs: status polls", own, "/s", bare, own / bare, "against a bare pass-through to Redis; goal 0.7");
    }

    /// <summary>Submissions a second, against bare transactions of two inserts.</summary>
    private static async Task SubmitsAsync(Report report, JobsStack stack, CancellationToken cancellationToken)
    {
        await using (
            NpgsqlCommand create = stack.Source.CreateCommand(
                "CREATE TABLE IF NOT EXISTS bare_a (id uuid PRIMARY KEY, request jsonb); CREATE TABLE IF NOT EXISTS bare_b (id uuid "
                    + "PRIMARY KEY, at timestamptz)"
            )
        )
        {
            await create.ExecuteNonQueryAsync(cancellationToken);
        }

        // As anybody would write it: prepared statements, and else Npgsql's defaults
        await using var source = NpgsqlDataSource.Create(stack.Postgres + ";Max Auto Prepare=100;Auto Prepare Min Usages=2");
        Task<double> OwnAsync(int windows) =>
            RateAsync(
                Submitters,
                windows * Window,
                i => SubmitBytesAsync(stack, stack.Clients[i % stack.Clients.Count], cancellationToken),
                cancellationToken
            );
        // A server just started spends half its time on compiling
        await OwnAsync(3);
        double own = 0;
        double bare = 0;
        string costs = "";
        // Turn by turn: both see the machine's same moods
        for (int turn = 0; turn < Turns; turn++)
        {
            bare += await RateAsync(Connections, Window, _ => TwoInsertsAsync(source, cancellationToken), cancellationToken) / Turns;
            CpuMeter meter = await stack.MeterAsync(cancellationToken);
            double now = await OwnAsync(1);
            own += now / Turns;
            costs = meter.Per(now * Window.TotalSeconds);
        }

        report.Add(
            "jobs: durable submits",
            own,
            "/s",
            bare,
            own / bare,
            $"{Submitters} at a time, against bare two-insert transactions on {Connections} connections, the mean of {Turns} turns of "
                + $"each; goal 0.6; {costs}"
        );
        await stack.EmptyAsync(cancellationToken);
    }

    /// <summary>From submission to start in an idle system, against the broker's own way of a message.</summary>
    private static async Task StartsAsync(Report report, JobsStack stack, string after, CancellationToken cancellationToken)
    {
        await using NoOpWorker worker = await NoOpWorker.StartAsync(stack, slots: 4, cancellationToken);
        var own = new List<double>();
        var bare = new List<double>();
        // Turn by turn: both see the machine's same moods. The first ones find code that is not compiled yet, or is just being
        // compiled, which takes one of few processors from both: they are not counted
        for (int i = -2400; i < 400; i++)
        {
            double echoed = (await worker.EchoAsync(cancellationToken)).TotalMilliseconds;
            long sent = Stopwatch.GetTimestamp();
            JobDocument job = await SubmitAsync(stack, stack.Clients[0], cancellationToken);
            double started = Stopwatch.GetElapsedTime(sent, await worker.StartOfAsync(job.Id, cancellationToken)).TotalMilliseconds;
            // Idle again: its end is no part of the next one's start
            await worker.EndOfAsync(job.Id, cancellationToken);
            if (i >= 0)
            {
                bare.Add(echoed);
                own.Add(started);
            }
        }

        double ownMedian = own.Order().ElementAt(own.Count / 2);
        double bareMedian = bare.Order().ElementAt(bare.Count / 2);
        report.Add(
            $"jobs: submit to start, p50{after}",
            ownMedian,
            "ms",
            bareMedian,
            ownMedian / bareMedian,
            "warm and otherwise idle, against the broker's own from one process to another, confirmed; goal at most 4"
        );
    }

    /// <summary>Whole lives a second: submitted by HTTP, dispatched, claimed, completed and charged.</summary>
    private static async Task LivesAsync(Report report, JobsStack stack, int jobs, string after, CancellationToken cancellationToken)
    {
        await using NoOpWorker worker = await NoOpWorker.StartAsync(stack, slots: 128, cancellationToken);
        // The first ones find code that is not compiled yet: not counted, but told
        (_, double cold) = await LiveAsync(stack, worker, WarmUpJobs, cancellationToken);
        double before = cold;
        for (int round = 1; round < WarmUpRounds; round++)
        {
            (_, double now) = await LiveAsync(stack, worker, WarmUpJobs, cancellationToken);
            if (Math.Abs(now - before) < 0.05 * before)
            {
                break;
            }

            before = now;
        }

        CpuMeter meter = await stack.MeterAsync(cancellationToken);
        (double submitted, double seconds) = await LiveAsync(stack, worker, jobs, cancellationToken);
        report.Add(
            $"jobs: whole lives{after}",
            jobs / seconds,
            "/s",
            1000,
            jobs / seconds / 1000,
            $"warm; the first {WarmUpJobs} of the run at {WarmUpJobs / cold:0}/s; {jobs} jobs, all submitted after {submitted:0.0} s, "
                + $"all done after {seconds:0.0} s; all share {Environment.ProcessorCount} cores; {meter.Per(jobs)}"
        );
        LedgerCheck check = await stack.Ledger.CheckAsync(cancellationToken);
        if (!check.IsRight)
        {
            throw new InvalidOperationException($"The books are wrong after the benchmark: {check}");
        }
    }

    /// <summary>So many whole lives; how many seconds until all were submitted, and until all were done.</summary>
    private static async Task<(double Submitted, double Done)> LiveAsync(
        JobsStack stack,
        NoOpWorker worker,
        int jobs,
        CancellationToken cancellationToken
    )
    {
        int wanted = worker.Done + jobs;
        long begin = Stopwatch.GetTimestamp();
        int next = 0;
        await Task.WhenAll(
            Enumerable
                .Range(0, InFlight)
                .Select(async i =>
                {
                    while (Interlocked.Increment(ref next) <= jobs)
                    {
                        await SubmitAsync(stack, stack.Clients[i % stack.Clients.Count], cancellationToken);
                    }
                })
        );
        double submitted = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        await worker.WaitForAsync(wanted, cancellationToken);
        return (submitted, Stopwatch.GetElapsedTime(begin).TotalSeconds);
    }

    private static async Task<double> RateAsync(int inFlight, TimeSpan window, Func<int, Task> act, CancellationToken cancellationToken)
    {
        long count = 0;
        long begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            Enumerable
                .Range(0, inFlight)
                .Select(i =>
                    Task.Run(
                        async () =>
                        {
                            while (Stopwatch.GetElapsedTime(begin) < window)
                            {
                                await act(i);
                                Interlocked.Increment(ref count);
                            }
                        },
                        cancellationToken
                    )
                )
        );
        return count / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private static async Task GetAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await client.GetAsync(path, cancellationToken);
        answer.EnsureSuccessStatusCode();
        await answer.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    private static async Task<JobDocument> SubmitAsync(JobsStack stack, HttpClient client, CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize<JobDocument>(await SubmitBytesAsync(stack, client, cancellationToken), WireJson.Options)!;

    /// <summary>As light as it can be: what the load takes, the system lacks.</summary>
    private static async Task<byte[]> SubmitBytesAsync(JobsStack stack, HttpClient client, CancellationToken cancellationToken)
    {
        using var body = new ByteArrayContent(stack.Request) { Headers = { ContentType = JsonType } };
        using HttpResponseMessage answer = await client.PostAsync("/v1/text2img", body, cancellationToken);
        return answer.StatusCode == HttpStatusCode.Accepted
            ? await answer.Content.ReadAsByteArrayAsync(cancellationToken)
            : throw new InvalidOperationException(await answer.Content.ReadAsStringAsync(cancellationToken));
    }

    private static async Task TwoInsertsAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction);
        var id = Guid.CreateVersion7();
        var first = new NpgsqlBatchCommand("INSERT INTO bare_a VALUES ($1, '{\"prompt\": \"a red apple\"}')");
        first.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        var second = new NpgsqlBatchCommand("INSERT INTO bare_b VALUES ($1, now())");
        second.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        batch.BatchCommands.Add(first);
        batch.BatchCommands.Add(second);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
