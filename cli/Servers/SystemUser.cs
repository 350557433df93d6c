namespace Generation.Cli.Servers;

/// <summary>A user of this machine.</summary>
internal sealed record SystemUser(string Name, uint Uid, uint Gid)
{
    /// <summary>The user of that name, or null. Service users of Debian's packages always stand in /etc/passwd.</summary>
    public static SystemUser? Find(string name)
    {
        foreach (string line in File.ReadLines("/etc/passwd"))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 3 && fields[0] == name)
            {
                return new SystemUser(name, uint.Parse(fields[2]), uint.Parse(fields[3]));
            }
        }

        return null;
    }

    /// <summary>
    /// Whom a server runs as: its package's own user when we are root (PostgreSQL and RabbitMQ refuse root),
    /// and null, ourselves, otherwise.
    /// </summary>
    public static SystemUser? ForServer(string name) =>
        !Posix.IsRoot
            ? null
            : Find(name)
                ?? throw new ServerException($"There is no user '{name}' on this machine; Debian's package of the server makes it.");
}
