using System.Diagnostics;

namespace Generation.Diagnostics;

/// <summary>
/// Places in a job's life at which a process kills itself on demand, by SIGKILL and without any cleaning up, for tests of what such a death
/// leaves behind. A place is armed by a file of its name in the folder that the environment's Faults__Folder names when the process starts,
/// and disarms itself by renaming that file to NAME.hit, so that one process dies once. Without the folder, as everywhere but in those
/// tests, reaching a place costs one look at a variable.
/// </summary>
public static class FaultPoint
{
    /// <summary>A submission is checked and priced; nothing is written.</summary>
    public const string Submitting = "api.submitting";

    /// <summary>Job, hold and outbox row are committed, and the row may say dispatched; nobody has been notified.</summary>
    public const string Submitted = "api.submitted";

    /// <summary>The outbox row says dispatched, set by the submission or a dispatcher; nothing is sent.</summary>
    public const string Taken = "dispatcher.taken";

    /// <summary>The broker has confirmed the message.</summary>
    public const string Sent = "dispatcher.sent";

    /// <summary>A worker has received the message and not acknowledged it; the job is not claimed.</summary>
    public const string Received = "worker.received";

    /// <summary>The job is claimed; the message is not acknowledged.</summary>
    public const string Claimed = "worker.claimed";

    /// <summary>The job begins to run.</summary>
    public const string Started = "worker.started";

    /// <summary>A picture is computed and encoded; its file is not stored.</summary>
    public const string Drawn = "worker.drawn";

    /// <summary>All files are stored; the job's row does not name them.</summary>
    public const string Stored = "worker.stored";

    /// <summary>The outcome is committed.</summary>
    public const string Written = "worker.written";

    /// <summary>The job of a lapsed lease is queued again.</summary>
    public const string Rescued = "rescuer.rescued";

    /// <summary>A running job is to be cancelled; its worker has not been notified.</summary>
    public const string Cancelling = "api.cancelling";

    /// <summary>
    /// A worker that stops has stored its job's latents; the job's row does not name them, and still belongs to this worker.
    /// </summary>
    public const string HandingBack = "worker.handing_back";

    /// <summary>The job of a worker that stops is queued again; the worker has not ended.</summary>
    public const string HandedBack = "worker.handed_back";

    /// <summary>Jobs that no worker began in time have expired; nobody has been notified.</summary>
    public const string Expired = "rescuer.expired";

    /// <summary>The folder in which places are armed; null arms none. Tests whose programs run in their own process set it.</summary>
    public static string? Folder { get; set; } = Environment.GetEnvironmentVariable("Faults__Folder");

    /// <summary>The places that a job passes in order when it runs to its end, and the rescue.</summary>
    public static IReadOnlyList<string> All { get; } =
    [Submitting, Submitted, Taken, Sent, Received, Claimed, Started, Drawn, Stored, Written, Rescued];

    /// <summary>Kills the process if this place is armed.</summary>
    public static void Reach(string name)
    {
        if (Folder is { } folder)
        {
            DieIfArmed(Path.Combine(folder, name));
        }
    }

    private static void DieIfArmed(string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        try
        {
            // One rename, of which one process succeeds
            File.Move(path, path + ".hit", overwrite: true);
        }
        catch (FileNotFoundException)
        {
            return;
        }

        using var self = Process.GetCurrentProcess();
        self.Kill();
        Thread.Sleep(Timeout.Infinite);
    }
}
