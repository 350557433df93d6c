using System.Globalization;

namespace Generation.Storage;

/// <summary>
/// Places on a job's way at which it stands still on demand: for tests of what happens to a job that is in the middle, on
/// machines of any speed. A hold is a file NAME.ID.hold in <see cref="FaultPoint.Folder"/> that says at which count the
/// first job to come so far stops. That job renames it to NAME.ID.held, and goes on when the file is gone or the job is to
/// stop. Without the folder, as everywhere but in those tests, passing a place is one look at a variable.
/// </summary>
public static class HoldPoint
{
    /// <summary>So many steps of a job, over all its pictures, are done and shown; the next has not begun.</summary>
    public const string Step = "worker.step";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    /// <summary>Returns, unless a hold is set for <paramref name="count"/> or less.</summary>
    /// <param name="name">The place.</param>
    /// <param name="count">How far the job is.</param>
    /// <param name="stop">The job is to stop: no hold keeps it from that.</param>
    public static void Pass(string name, int count, CancellationToken stop)
    {
        if (FaultPoint.Folder is { } folder)
        {
            foreach (string hold in Directory.EnumerateFiles(folder, name + ".*.hold"))
            {
                if (Take(hold, count) is { } held)
                {
                    while (File.Exists(held) && !stop.WaitHandle.WaitOne(Look))
                    {
                    }
                }
            }
        }
    }

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
