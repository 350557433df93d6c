using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Generation.Storage.Files;

namespace Generation.Storage.Accounts;

/// <summary>The settings of API keys: configuration section "Keys".</summary>
public sealed record KeysOptions
{
    public const string Section = "Keys";

    /// <summary>
    /// A file with 32 random bytes in hexadecimal, readable by its owner only. It is made with a new database. If it is lost, only a backup
    /// can bring it back.
    /// </summary>
    [Required]
    public string SecretFile { get; init; } = "";
}

/// <summary>
/// The server's secret, in a file that all API processes see. API keys are stored as their HMAC-SHA256 under it, so that a copy of the
/// database alone opens nothing; addresses of outputs are signed, webhook secrets sealed and audit entries chained by keys derived from it.
/// The file's first line is the secret in use. Each line below is an earlier one and when it was replaced: what was made under it stays
/// good. A file that changes is read again within a second, or at once where something does not fit the secrets known.
/// </summary>
public sealed class KeySecret
{
    private const int Bytes = 32;
    private const long LookMilliseconds = 1000;

    private readonly string _path;
    private volatile Loaded _loaded;
    private long _lookedAt = Environment.TickCount64;

    private KeySecret(string path, Loaded loaded) => (_path, _loaded) = (path, loaded);

    /// <summary>An id that tells the present secret from others. It reveals nothing about the secret.</summary>
    public string Id => Current().Secrets[0].Id;

    /// <summary>The ids of all secrets, the present one first.</summary>
    public IReadOnlyList<string> Ids => [.. Current().Secrets.Select(secret => secret.Id)];

    /// <summary>Reads the secret in a file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file contains something else.</exception>
    public static KeySecret Load(string path) => new(Path.GetFullPath(path), Loaded.From(path));

    /// <summary>
    /// Reads the secret from a file, or makes it when there is no file. Of several processes that make it at once, one wins.
    /// </summary>
    /// <exception cref="InvalidDataException">The file contains something else.</exception>
    public static KeySecret LoadOrCreate(string path)
    {
        if (!File.Exists(path))
        {
            Create(path);
        }

        return Load(path);
    }

    /// <summary>Adds a new secret before those in the file. Processes that have read the file use it within a second.</summary>
    public void Rotate(DateTimeOffset now)
    {
        var lines = new List<string> { NewSecret() };
        foreach (Secret secret in Loaded.From(_path).Secrets)
        {
            lines.Add($"{Convert.ToHexStringLower(secret.Value)} {(secret.ReplacedAt ?? now).ToUniversalTime():O}");
        }

        PrivateFile.Replace(_path, string.Join('\n', lines) + "\n");
        Refresh();
    }

    /// <summary>
    /// Reads the file again if it has changed, and returns whether it has. If the file is missing or damaged, the known secrets are kept.
    /// </summary>
    public bool Refresh()
    {
        Volatile.Write(ref _lookedAt, Environment.TickCount64);
        Loaded known = _loaded;
        try
        {
            if (Loaded.StampOf(_path) != known.Stamp)
            {
                _loaded = Loaded.From(_path);
                return true;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // Whoever starts next is told
        }

        return false;
    }

    /// <summary>What is stored of a key.</summary>
    public byte[] Hash(string key) => Hash(Current().Secrets[0], key);

    /// <summary>The forms in which a key may be stored, one for each of the secrets, the present one first.</summary>
    public byte[][] Hashes(string key) => [.. Current().Secrets.Select(secret => Hash(secret, key))];

    /// <summary>Signs <paramref name="text"/> for <paramref name="purpose"/>; a signature is not valid for another purpose.</summary>
    public byte[] Sign(string purpose, string text) =>
        HMACSHA256.HashData(Current().Secrets[0].KeyFor(purpose), Encoding.UTF8.GetBytes(text));

    /// <summary>
    /// Whether it was signed by the secret in use, or by one that was replaced not longer ago than <paramref name="grace"/>.
    /// </summary>
    public bool IsSigned(string purpose, string text, ReadOnlySpan<byte> signature, TimeSpan grace, DateTimeOffset now)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        do
        {
            foreach (Secret secret in _loaded.Secrets.Where(secret => secret.ReplacedAt is not { } at || at + grace > now))
            {
                if (CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(secret.KeyFor(purpose), bytes), signature))
                {
                    return true;
                }
            }
        } while (Refresh());
        return false;
    }

    /// <summary>Keys for <paramref name="purpose"/>, each with its secret's id, that of the secret in use first.</summary>
    public IReadOnlyList<(string Id, byte[] Key)> KeysFor(string purpose) =>
        [.. Current().Secrets.Select(secret => (secret.Id, secret.KeyFor(purpose)))];

    private static string NewSecret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes));

    private static byte[] Hash(Secret secret, string key) => HMACSHA256.HashData(secret.Value, Encoding.UTF8.GetBytes(key));

    private Loaded Current()
    {
        if (Environment.TickCount64 - Volatile.Read(ref _lookedAt) > LookMilliseconds)
        {
            Refresh();
        }

        return _loaded;
    }

    private static void Create(string path)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string temporary = $"{full}.{Guid.NewGuid():N}";
        PrivateFile.Write(temporary, NewSecret() + "\n");
        // A hard link is made or not, atomically; File.Move without overwriting looks first and moves then
        int result = Link(temporary, full);
        int error = Marshal.GetLastPInvokeError();
        File.Delete(temporary);
        if (result != 0 && !File.Exists(full))
        {
            throw new IOException($"Cannot make {full} (error {error}).");
        }

        DurableFolder.Flush(Path.GetDirectoryName(full)!);
    }

    [DllImport("libc", EntryPoint = "link", SetLastError = true, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Link([MarshalAs(UnmanagedType.LPUTF8Str)] string from, [MarshalAs(UnmanagedType.LPUTF8Str)] string to);

    private sealed record Secret(byte[] Value, DateTimeOffset? ReplacedAt)
    {
        public string Id { get; } = Convert.ToHexStringLower(HMACSHA256.HashData(Value, "id"u8))[..16];

        public byte[] KeyFor(string purpose) => HMACSHA256.HashData(Value, Encoding.UTF8.GetBytes("purpose:" + purpose));
    }

    /// <summary>The contents of the file, and its time and length, by which a change is noticed.</summary>
    private sealed record Loaded(Secret[] Secrets, (DateTime Written, long Length) Stamp)
    {
        public static (DateTime, long) StampOf(string path)
        {
            var file = new FileInfo(path);
            return (file.LastWriteTimeUtc, file.Length);
        }

        public static Loaded From(string path)
        {
            // Before it is read: one that is replaced meanwhile is read again
            (DateTime, long) stamp = StampOf(path);
            string[] lines = File.ReadAllText(path).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            return lines.Length > 0 ? new Loaded([.. lines.Select((line, index) => Parse(path, line, index))], stamp) : throw Damaged(path);
        }

        private static Secret Parse(string path, string line, int index)
        {
            string[] parts = line.Split(' ', 2, StringSplitOptions.TrimEntries);
            DateTimeOffset replacedAt = default;
            return
                parts[0].Length == 2 * Bytes
                && parts[0].All(char.IsAsciiHexDigit)
                && (index == 0) == (parts.Length == 1)
                && (
                    index == 0
                    || DateTimeOffset.TryParse(
                        parts[1],
                        CultureInfo.InvariantCulture,
                        DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                        out replacedAt
                    )
                )
                ? new Secret(Convert.FromHexString(parts[0]), index == 0 ? null : replacedAt)
                : throw Damaged(path);
        }

        private static InvalidDataException Damaged(string path) =>
            new(
                $"{path} (Keys:SecretFile) must hold {2 * Bytes} hexadecimal digits, and in each line below an earlier secret and when "
                    + "it was "
                    + "replaced. Keys made under another secret are void without it: put the file back as it was, from a backup."
            );
    }
}
