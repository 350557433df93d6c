using System.Text.Json.Nodes;
using Generation.Fuzzing;

namespace Generation.Benchmarks;

/// <summary>`bench fuzz`: wrong requests to a running stack, and wrong inputs to every reader of strangers' bytes.</summary>
internal static class FuzzCommand
{
    private const int AtATime = 32;

    /// <summary>Runs both; returns the exit code: 0 where nothing was found.</summary>
    /// <param name="report">Takes the figures.</param>
    /// <param name="requests">How many requests, to the stack of GENERATION_URL with the key of GENERATION_KEY; 0: none.</param>
    /// <param name="inputs">How many inputs, shared between the readers.</param>
    /// <param name="seed">The same inputs for the same seed.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public static async Task<int> RunAsync(Report report, long requests, long inputs, int seed, CancellationToken cancellationToken)
    {
        var reports = new List<FuzzReport>();
        if (requests > 0 && Environment.GetEnvironmentVariable("GENERATION_URL") is { Length: > 0 } address)
        {
            using var client = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(20) };
            JsonObject description = JsonNode
                .Parse(await client.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative), cancellationToken))!
                .AsObject();
            string[] keys = [Environment.GetEnvironmentVariable("GENERATION_KEY") ?? "", "gk_wrong"];
            var fuzzer = new RequestFuzzer(client, keys, [.. RequestSeeds.Of(description), .. RequestSeeds.OfFaces()]);
            reports.Add(await fuzzer.RunAsync(requests, AtATime, seed, cancellationToken));
        }
        else if (requests > 0)
        {
            report.Skip("requests", "GENERATION_URL is not set: eval \"$(./generation env)\" sets it");
        }

        using var parsers = new Parsers();
        foreach (Parser parser in parsers.All)
        {
            cancellationToken.ThrowIfCancellationRequested();
            reports.Add(ParserFuzzer.Run(parser, inputs / parsers.All.Count, seed));
        }

        foreach (FuzzReport found in reports)
        {
            report.Add(found.Name, found.Faults.Count, "faults", note: found.ToString());
        }

        return reports.Exists(found => found.Faults.Count > 0) ? 1 : 0;
    }
}
