namespace Generation.Hosting.Servers;

/// <summary>A process's log, to which the process appends. When it is large, its older part is deleted.</summary>
internal static class LogFile
{
    /// <summary>The size in bytes beyond which a log begins anew. Its contents are kept beside it, as NAME.log.1.</summary>
    public const long MaxBytes = 16 << 20;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Moves the contents of a log that is too large to NAME.1, even while its process writes. The process keeps its open file, so the text
    /// is copied and the file emptied; what is written in the instant between the two is lost. If the disk has no room for the copy, the
    /// earlier copy is deleted first, and if that is not enough the text is dropped, because a log that cannot be emptied would keep the
    /// disk full.
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
