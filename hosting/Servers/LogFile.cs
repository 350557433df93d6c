namespace Generation.Hosting.Servers;

/// <summary>A process's log: the process appends to it, and what is old goes when it is large.</summary>
internal static class LogFile
{
    /// <summary>A log larger than this, in bytes, begins anew. The one before is kept beside it, as NAME.log.1.</summary>
    public const long MaxBytes = 16 << 20;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Moves what is in a log that is too large to NAME.1, also while its process writes. The process keeps its open file, so the text is
    /// copied and the file emptied; what is written in the instant between the two is lost. Where the disk has no room for the copy, the
    /// one before goes first, and where that is not enough the text goes: a log that cannot be emptied would keep the disk full.
    /// </summary>
    public static void Rotate(string path, long maxBytes = MaxBytes)
    {
        if (new FileInfo(path) is not { Exists: true } info || info.Length <= maxBytes)
        {
            return;
        }

        using var log = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        if (!TryKeep(log, path))
        {
            File.Delete(path + ".1");
            TryKeep(log, path);
        }

        log.SetLength(0);
    }

    /// <summary>Copies a log to NAME.1; false where there is no room for it.</summary>
    private static bool TryKeep(FileStream log, string path)
    {
        string fresh = path + ".1.new";
        try
        {
            var owners = new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = OwnerOnly,
            };
            using (var copy = new FileStream(fresh, owners))
            {
                log.Position = 0;
                log.CopyTo(copy);
            }

            File.Move(fresh, path + ".1", overwrite: true);
            return true;
        }
        catch (IOException)
        {
            File.Delete(fresh);
            return false;
        }
    }
}
