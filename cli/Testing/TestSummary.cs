namespace Generation.Cli.Testing;

/// <summary>What a test run comes to: what was skipped and what failed by name, then one line of counts.</summary>
internal static class TestSummary
{
    public static string Counts(IReadOnlyCollection<TestResult> results)
    {
        int skipped = Count(results, TestOutcome.Skipped);
        return $"{Count(results, TestOutcome.Passed)} passed, {Count(results, TestOutcome.Failed)} failed"
            + (skipped > 0 ? $", {skipped} skipped" : "");
    }

    /// <summary>Writes the summary.</summary>
    /// <returns>The exit code: 0 where tests ran and none failed.</returns>
    public static int Write(IReadOnlyCollection<TestResult> results, TimeSpan time, string folder, string? filter)
    {
        foreach (TestResult result in results.Where(result => result.Outcome == TestOutcome.Skipped))
        {
            Console.WriteLine($"skipped  {result.Name}: {result.Message?.Split('\n')[0]}");
        }

        foreach (TestResult result in results.Where(result => result.Outcome == TestOutcome.Failed))
        {
            Console.WriteLine($"FAILED   {result.Name}");
            foreach (string line in (result.Message ?? "").Split('\n').Take(20))
            {
                Console.WriteLine($"         {line.TrimEnd()}");
            }
        }

        if (results.Count == 0)
        {
            Console.WriteLine(filter is null ? "No test was found." : $"No test matches '{filter}'.");
        }

        Console.WriteLine($"logs: {folder}");
        Console.WriteLine($"time: {(int)time.TotalMinutes} min {time.Seconds} s");
        Console.WriteLine(Counts(results));
        return results.Any(result => result.Outcome == TestOutcome.Passed) && results.All(result => result.Outcome != TestOutcome.Failed)
            ? 0
            : 1;
    }

    private static int Count(IReadOnlyCollection<TestResult> results, TestOutcome outcome) =>
        results.Count(result => result.Outcome == outcome);
}
