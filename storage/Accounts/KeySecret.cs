using System.ComponentModel.DataAnnotations;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Generation.Storage.Accounts;

/// <summary>Where the secret is with which keys are hashed: configuration section "Keys".</summary>
public sealed record KeysOptions
{
    public const string Section = "Keys";

    /// <summary>A file with 32 random bytes in hexadecimal, readable by its owner only.</summary>
    [Required]
    public string SecretFile { get; init; } = "";
}

/// <summary>The server's secret. Keys are stored as their HMAC-SHA256 under it: a copy of the database alone opens nothing.</summary>
public sealed class KeySecret
{
    private const int Bytes = 32;
    private readonly byte[] _secret;

    private KeySecret(byte[] secret) => _secret = secret;

    /// <summary>The secret in a file; made when there is no file. Of several processes that make it at once, one wins.</summary>
    /// <exception cref="InvalidDataException">The file holds something else.</exception>
    public static KeySecret LoadOrCreate(string path)
    {
        if (!File.Exists(path))
        {
            Create(path);
        }

        string text = File.ReadAllText(path).Trim();
        if (text.Length != 2 * Bytes || !text.All(char.IsAsciiHexDigit))
        {
            throw new InvalidDataException(
                $"{path} (Keys:SecretFile) must hold {2 * Bytes} hexadecimal digits. Keys made under another secret are void without it."
            );
        }

        return new KeySecret(Convert.FromHexString(text));
    }

    public byte[] Hash(string key) => HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes(key));

    /// <summary>
    /// Signs <paramref name="text"/> for <paramref name="purpose"/>: one purpose's signatures are worth nothing for another.
    /// </summary>
    public byte[] Sign(string purpose, string text) =>
        HMACSHA256.HashData(HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes("purpose:" + purpose)), Encoding.UTF8.GetBytes(text));

    private static void Create(string path)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string temporary = $"{full}.{Guid.NewGuid():N}";
        PrivateFile.Write(temporary, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes)) + "\n");
        // A hard link is made or not, atomically; File.Move without overwriting looks first and moves then
        int result = Link(temporary, full);
        int error = Marshal.GetLastPInvokeError();
        File.Delete(temporary);
        if (result != 0 && !File.Exists(full))
        {
            throw new IOException($"Cannot make {full} (error {error}).");
        }
    }

    [DllImport("libc", EntryPoint = "link", SetLastError = true, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Link([MarshalAs(UnmanagedType.LPUTF8Str)] string from, [MarshalAs(UnmanagedType.LPUTF8Str)] string to);
}

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
    }
}
