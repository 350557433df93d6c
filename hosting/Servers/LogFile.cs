namespace Generation.Hosting.Servers;

/// <summary>A process's log: the process appends to it, and what is old goes when it is large.</summary>
internal static class LogFile
{
    /// <summary>A log larger than this, in bytes, begins anew. The one before is kept beside it, as NAME.log.1.</summary>
    public const long MaxBytes = 16 << 20;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Moves what is in a log that is too large to NAME.1, also while its process writes. The process keeps its open file, so the text is
    /// copied and the file emptied; what is written in the instant between the two is lost.
    /// </summary>
    public static void Rotate(string path, long maxBytes = MaxBytes)
    {
        if (new FileInfo(path) is not { Exists: true } info || info.Length <= maxBytes)
        {
            return;
        }

        string fresh = path + ".1.new";
        using (var log = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            using (
                var copy = new FileStream(
                    fresh,
                    new FileStreamOptions
                    {
                        Mode = FileMode.Create,
                        Access = FileAccess.Write,
                        UnixCreateMode = OwnerOnly,
                    }
                )
            )
            {
                log.CopyTo(copy);
            }

            log.SetLength(0);
        }

        File.Move(fresh, path + ".1", overwrite: true);
    }
}
