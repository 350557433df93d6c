using System.Text;
using Generation.Storage.Files;

namespace Generation.Storage.Accounts;

/// <summary>Files that only their owner may read.</summary>
public static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a new file of mode 0600, flushed to the disk.</summary>
    public static void Write(string path, string content)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var file = new FileStream(path, options);
        file.Write(Encoding.UTF8.GetBytes(content));
        file.Flush(flushToDisk: true);
    }

    /// <summary>Replaces a file by one of mode 0600, whole or not at all.</summary>
    public static void Replace(string path, string content)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string temporary = $"{full}.{Guid.NewGuid():N}";
        Write(temporary, content);
        File.Move(temporary, full, overwrite: true);
        // Rows follow that nothing but the new content opens
        DurableFolder.Flush(Path.GetDirectoryName(full)!);
    }
}
