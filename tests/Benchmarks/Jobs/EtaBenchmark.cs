using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Client;
using Generation.Hosting;
using Generation.Hosting.Servers;

namespace Generation.Benchmarks.Jobs;

/// <summary>
/// What the estimates posted with submissions are worth: a whole stack with the demo model under a steady load of jobs of
/// different sizes, and how long each took beside what was said when it came.
/// </summary>
internal static class EtaBenchmark
{
    /// <summary>Jobs in the system at any time: as one ends, the next comes.</summary>
    private const int Open = 6;

    private const double Within = 0.2;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(1);

    public static async Task RunAsync(Report report, CancellationToken cancellationToken)
    {
        var folder = DataFolder.Temporary("bench-eta");
        var stack = new Stack(
            folder,
            new StackSettings
            {
                Workers = 1,
                Overrides = new Dictionary<string, string> { ["Accounts__FreeCredits"] = "10000", ["Limits__RequestsPerSecond"] = "1000" },
            }
        );
        try
        {
            await stack.UpAsync(null, cancellationToken);
            using var client = new GenerationClient(new Uri(stack.Url), stack.Key);
            await LoadAsync(client, WarmUp, seed: 1, cancellationToken);
            IReadOnlyList<(double Posted, double Real)> all = await LoadAsync(client, Window, seed: 2, cancellationToken);
            double[] errors = [.. all.Select(job => Math.Abs(job.Posted - job.Real) / job.Real).Order()];
            double right = errors.Count(error => error <= Within) / (double)errors.Length;
            report.Add(
                "jobs: estimates within 20 %",
                100 * right,
                "%",
                90,
                right / 0.9,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"of {errors.Length} jobs of different sizes, {Open} open at a time, {all.Average(job => job.Real):0.0} s each from "
                        + $"submission to end; off by {100 * errors[errors.Length / 2]:0} % at the median, "
                        + $"{100 * errors[errors.Length * 9 / 10]:0} % at nine in ten; goal 90"
                )
            );
        }
        finally
        {
            using var limit = new CancellationTokenSource(StopLimit);
            await stack.DownAsync(null, limit.Token);
        }
    }

    private static async Task<IReadOnlyList<(double Posted, double Real)>> LoadAsync(
        GenerationClient client,
        TimeSpan window,
        int seed,
        CancellationToken cancellationToken
    )
    {
        var random = new Random(seed);
        var all = new List<(double, double)>();
        long begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            Enumerable
                .Range(0, Open)
                .Select(async _ =>
                {
                    while (Stopwatch.GetElapsedTime(begin) < window)
                    {
                        JsonObject request;
                        lock (random)
                        {
                            request = new JsonObject
                            {
                                ["prompt"] = "a red apple on a blue background",
                                ["num_inference_steps"] = random.Next(5, 40),
                                ["num_images"] = random.Next(1, 4),
                            };
                        }

                        Job job = await client.SubmitAsync("text2img", request, null, cancellationToken);
                        double? posted = job.EtaSeconds;
                        while (!job.HasEnded)
                        {
                            await Task.Delay(Look, cancellationToken);
                            job = await client.JobAsync(job.Id, cancellationToken);
                        }

                        if (job is not { State: JobState.Succeeded, FinishedAt: { } finishedAt })
                        {
                            throw new InvalidOperationException($"Job {job.Id} is {job.State}: {job.Error?.Detail}");
                        }

                        lock (all)
                        {
                            all.Add((posted ?? double.NaN, (finishedAt - job.CreatedAt).TotalSeconds));
                        }
                    }
                })
        );
        return all;
    }
}
