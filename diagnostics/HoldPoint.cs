using System.Globalization;
using Generation.Contracts;

namespace Generation.Diagnostics;

/// <summary>
/// Places on a job's way at which it stands still on demand: for tests of what happens to a job that is in the middle, on
/// machines of any speed. A hold is a file NAME.ID.hold in <see cref="FaultPoint.Folder"/>, ID a UUID of version 7, that says
/// at which count the first job to come so far stops; jobs made before the hold pass. That job renames it to NAME.ID.held, and
/// goes on when the file is gone or the job is to stop. Without the folder, as everywhere but in those tests, passing a place
/// is one look at a variable.
/// </summary>
public static class HoldPoint
{
    /// <summary>So many steps of a job, over all its pictures, are done and shown; the next has not begun.</summary>
    public const string Step = "worker.step";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    /// <summary>Returns, unless a hold is set for <paramref name="count"/> or less.</summary>
    /// <param name="name">The place.</param>
    /// <param name="job">The job.</param>
    /// <param name="count">How far it is.</param>
    /// <param name="stop">The job is to stop: no hold keeps it from that.</param>
    public static void Pass(string name, JobId job, int count, CancellationToken stop)
    {
        if (FaultPoint.Folder is { } folder)
        {
            foreach (string hold in Directory.EnumerateFiles(folder, name + ".*.hold"))
            {
                if (!IsOlder(job, hold, name) && Take(hold, count) is { } held)
                {
                    while (File.Exists(held) && !stop.WaitHandle.WaitOne(Look)) { }
                }
            }
        }
    }

    /// <summary>
    /// Whether the job is of an earlier millisecond than the hold: both ids begin with theirs, in twelve hexadecimal digits.
    /// </summary>
    private static bool IsOlder(JobId job, string hold, string name) =>
        string.CompareOrdinal(job.Value.ToString("N"), 0, Path.GetFileName(hold), name.Length + 1, 12) < 0;

    /// <summary>The file to wait for, where the hold is for this job.</summary>
    private static string? Take(string hold, int count)
    {
        string held = Path.ChangeExtension(hold, ".held");
        try
        {
            if (count < int.Parse(File.ReadAllText(hold), NumberStyles.None, CultureInfo.InvariantCulture))
            {
                return null;
            }

            // One rename, of which one job succeeds
            File.Move(hold, held, overwrite: true);
            return held;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
