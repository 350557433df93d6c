using System.Globalization;
using Generation.Contracts;

namespace Generation.Api.Faces.Shared;

/// <summary>What services show as a job's log.</summary>
internal static class JobLines
{
    /// <summary>What a job says of itself: its seed, what was not done, and, as the last line while it runs, how far it is.</summary>
    /// <param name="job">The job.</param>
    /// <param name="warnings">What the face has not done as it may have been meant.</param>
    public static IReadOnlyList<string> Of(JobDocument job, IEnumerable<string> warnings)
    {
        var lines = new List<string>();
        if (SeedOf(job.Request) is { } seed)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"Using seed: {seed}"));
        }

        lines.AddRange(warnings);
        lines.AddRange(job.Warnings ?? []);
        if (job.Progress is { Steps: > 0 } progress)
        {
            // As tqdm writes it, which clients read
            int percent = (int)(100L * Math.Clamp(progress.Step, 0, progress.Steps) / progress.Steps);
            string bar = new string('#', percent / 10).PadRight(10);
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{percent, 3}%|{bar}| {progress.Step}/{progress.Steps}"));
        }

        return lines;
    }

    private static long? SeedOf(JobRequest? request) =>
        request switch
        {
            PictureRequest r => r.Seed,
            VideoRequest r => r.Seed,
            _ => null,
        };
}
