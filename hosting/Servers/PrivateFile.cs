namespace Generation.Hosting.Servers;

/// <summary>Small files that only their owner can read, and that appear whole or not at all.</summary>
internal static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes the file, replacing one that is there. It belongs to <paramref name="owner"/> where one is named.</summary>
    public static void Write(string path, string text, SystemUser? owner = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string temporary = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        using (
            var stream = new FileStream(
                temporary,
                new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.Write,
                    UnixCreateMode = OwnerOnly,
                }
            )
        )
        using (var writer = new StreamWriter(stream))
        {
            writer.Write(text);
            writer.Flush();
            // So that a power cut after the move leaves the one or the other
            stream.Flush(flushToDisk: true);
        }

        if (owner is not null)
        {
            Posix.GiveTo(temporary, owner);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
