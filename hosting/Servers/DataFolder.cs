using System.Security.Cryptography;
using System.Text;

namespace Generation.Hosting.Servers;

/// <summary>
/// The folder with everything that a stack keeps: servers' data, results, logs, secrets, and the records of its processes.
/// </summary>
public sealed class DataFolder
{
    private const string NextSuffix = ".next";
    private const string FarFolder = "/var/lib/generation";
    private const UnixFileMode Traversable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private DataFolder(string root) => Root = root;

    /// <summary>The full path, without links.</summary>
    public string Root { get; }

    public string Run => Path.Combine(Root, "run");

    public string Logs => Path.Combine(Root, "logs");

    public string Results => Path.Combine(Root, "results");

    /// <summary>The folder of a clone: `.generation` in it, or what the environment names in GENERATION_DATA.</summary>
    /// <remarks>
    /// The servers' own users must be able to reach it. Under a closed folder, such as /root, they could not: there the data are under
    /// /var/lib/generation, and `.generation` is a link to them.
    /// </remarks>
    public static DataFolder OfClone(string clone)
    {
        if (Environment.GetEnvironmentVariable("GENERATION_DATA") is { Length: > 0 } given)
        {
            return At(given);
        }

        string path = Path.Combine(clone, ".generation");
        if (new FileInfo(path).LinkTarget is { } target)
        {
            return At(Path.Combine(clone, target));
        }

        if (Directory.Exists(path) || !Posix.IsRoot || IsReachable(clone))
        {
            return At(path);
        }

        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(clone))))[..12];
        DataFolder folder = At(Path.Combine(FarFolder, hash));
        File.Delete(path);
        File.CreateSymbolicLink(path, folder.Root);
        return folder;
    }

    /// <summary>A folder at a path; it is made if it does not exist.</summary>
    public static DataFolder At(string path)
    {
        string full = Path.GetFullPath(path);
        MakeTraversable(full);
        if (Posix.IsRoot && !IsReachable(full))
        {
            throw new ServerException($"{full} lies under a folder that the users postgres and rabbitmq may not enter; choose another.");
        }

        var folder = new DataFolder(Posix.RealPath(full));
        MakeTraversable(folder.Run);
        MakeTraversable(folder.Logs);
        return folder;
    }

    /// <summary>A new folder, which is deleted when this process ends, together with everything that runs in it.</summary>
    public static DataFolder Temporary(string purpose)
    {
        DataFolder folder = At(Path.Combine(Path.GetTempPath(), $"generation-{purpose}-{Guid.NewGuid():N}"[..32]));
        OrphanGuard.Watch(folder);
        return folder;
    }

    /// <summary>
    /// Where the API keeps the secret that keys are stored under. It makes it with a new database, and nobody else does: one that is lost
    /// must not be replaced unseen.
    /// </summary>
    public string KeySecretFile => Path.Combine(Root, "secrets", "keys");

    /// <summary>A random secret that is kept in this folder, 64 hexadecimal digits; it is drawn at the first call.</summary>
    public string Secret(string name) => File.ReadAllText(SecretFile(name)).Trim();

    /// <summary>The file with the secret, readable by its owner only.</summary>
    public string SecretFile(string name)
    {
        string path = Path.Combine(Root, "secrets", name);
        if (!File.Exists(path))
        {
            PrivateFile.Write(path, RandomNumberGenerator.GetHexString(64, lowercase: true));
        }

        return path;
    }

    /// <summary>
    /// The secret that is to take the place of another, drawn when it is first asked for; until <see cref="TakeNextSecret"/> it is kept
    /// beside that one, so that a change which was interrupted can be completed.
    /// </summary>
    internal string NextSecret(string name) => Secret(name + NextSuffix);

    internal bool HasNextSecret(string name) => File.Exists(Path.Combine(Root, "secrets", name + NextSuffix));

    /// <summary>Puts the next secret in the place of the present one.</summary>
    internal void TakeNextSecret(string name) =>
        File.Move(Path.Combine(Root, "secrets", name + NextSuffix), Path.Combine(Root, "secrets", name), overwrite: true);

    /// <summary>A folder for one server, which its user owns and no other user can read.</summary>
    internal string Open(string name, SystemUser? owner)
    {
        string path = Path.Combine(Root, name);
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (owner is not null)
        {
            Posix.GiveTo(path, owner);
        }

        return path;
    }

    /// <summary>
    /// Lets the users of the servers pass through to their own folders, whatever the umask. What is secret is closed itself.
    /// </summary>
    private static void MakeTraversable(string path)
    {
        if (!Directory.Exists(path))
        {
            MakeTraversable(Path.GetDirectoryName(path)!);
            Directory.CreateDirectory(path);
            File.SetUnixFileMode(path, Traversable);
        }
    }

    private static bool IsReachable(string path)
    {
        for (DirectoryInfo? folder = new(Path.GetFullPath(path)); folder is not null; folder = folder.Parent)
        {
            if (folder.Exists && !folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }
}
