using System.Globalization;
using Generation.Contracts;

namespace Generation.Diagnostics;

/// <summary>
/// Places in a job's life at which it waits on demand, for tests of what happens to a job that is half done, on machines of any speed. A
/// hold is a file NAME.ID.hold in <see cref="FaultPoint.Folder"/>, where ID is a UUID of version 7. It contains the count at which the
/// first job to come so far waits; jobs made before the hold pass. That job renames the file to NAME.ID.held, and continues when the file
/// is deleted or the job has to stop. Without the folder, as everywhere but in those tests, passing a place costs one look at a variable.
/// </summary>
public static class HoldPoint
{
    /// <summary>So many steps of a job, over all its pictures, are done and published; the next has not begun.</summary>
    public const string Step = "worker.step";

    /// <summary>The same, but like a long computation: only the release of the hold or the end of the process ends it.</summary>
    public const string Computation = "worker.computation";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits if a hold is set for <paramref name="count"/> or less.</summary>
    /// <param name="name">The name of the place.</param>
    /// <param name="job">The job.</param>
    /// <param name="count">How far the job is.</param>
    /// <param name="stop">Cancelled when the job has to stop, which no hold prevents.</param>
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
    /// Whether the job was made in an earlier millisecond than the hold. Both ids begin with it, in twelve hexadecimal digits.
    /// </summary>
    private static bool IsOlder(JobId job, string hold, string name) =>
        string.CompareOrdinal(job.Value.ToString("N"), 0, Path.GetFileName(hold), name.Length + 1, 12) < 0;

    /// <summary>Takes the hold if it is for this job, and returns the file to wait for.</summary>
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
