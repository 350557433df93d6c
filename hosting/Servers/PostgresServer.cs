using System.Diagnostics;
using System.Globalization;

namespace Generation.Hosting.Servers;

/// <summary>A private PostgreSQL with one role and one database, both named generation.</summary>
public sealed class PostgresServer : Server
{
    private const string Role = "generation";
    private const string PasswordName = "postgres-password";
    private const string Versions = "/usr/lib/postgresql";

    /// <summary>
    /// Keeps rows (in the details and contexts of errors) and statements out of the log, because they hold prompts and passwords.
    /// </summary>
    private static readonly string[] QuietLog = ["-c", "log_error_verbosity=terse", "-c", "log_min_error_statement=panic"];

    private static readonly TimeSpan OrphanLimit = TimeSpan.FromSeconds(60);

    internal PostgresServer(DataFolder folder, ServerSettings settings)
        : base(folder, "postgres", "postgres", settings) { }

    /// <summary>The connection string in Npgsql's form.</summary>
    public override string ConnectionString => $"Host=127.0.0.1;Port={Port};Database={Role};Username={Role};Password={Secret("password")}";

    private string Cluster => Path.Combine(Folder, "cluster");

    /// <summary>The lock file, which exists while a server runs, or after one has not shut down in order.</summary>
    private string Lock => Path.Combine(Cluster, "postmaster.pid");

    public override Task StopAsync(CancellationToken token) =>
        // Interrupt is PostgreSQL's fast shutdown: open transactions are rolled back, clients sent away
        Process.StopAsync(Settings.Durable ? Posix.SigInt : Posix.SigKill, TimeSpan.FromSeconds(30), token);

    private protected override async Task StartAsync(CancellationToken token)
    {
        string bin = FindBin(Cluster);
        if (!Process.IsRunning)
        {
            Data.Open(Name, User);
            await MakeClusterAsync(bin, token);
            await WaitForOrphanedProcessesAsync(token);
            RemoveStaleLock();
            int port = Ports.PreviousOrFree(Process.Port);
            Process.Start(
                new Launch
                {
                    Program = Path.Combine(bin, "postgres"),
                    Arguments = ["-D", Cluster, "-p", port.ToString(CultureInfo.InvariantCulture), .. QuietLog],
                    User = User,
                    Folder = Folder,
                    Log = Log,
                    Port = port,
                }
            );
        }

        await Process.WaitUntilAsync(AnswersAsync, TimeSpan.FromSeconds(120), token);
        await SettlePasswordAsync(bin, token);
        await MakeDatabaseAsync(bin, token);
    }

    /// <summary>Gives a role another password; statements are not logged here.</summary>
    /// <param name="role">The role's name, of letters, digits and underscores.</param>
    /// <param name="password">Letters and digits.</param>
    /// <param name="token">Ends it.</param>
    internal async Task SetPasswordAsync(string role, string password, CancellationToken token) =>
        await RunAsync(
            Path.Combine(FindBin(Cluster), "psql"),
            [.. Address(), "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1"],
            Environment(),
            token,
            // By standard input: arguments can be seen by every user of the machine
            $"alter role \"{role}\" password '{password}';\n"
        );

    /// <summary>Gives the owner its next password, from here on the present one.</summary>
    internal async Task ChangeOwnPasswordAsync(CancellationToken token)
    {
        string next = Data.NextSecret(PasswordName);
        await SettlePasswordAsync(FindBin(Cluster), token);
        if (Data.HasNextSecret(PasswordName))
        {
            await SetPasswordAsync(Role, next, token);
            Data.TakeNextSecret(PasswordName);
        }
    }

    /// <summary>A change of the owner's password may have been interrupted: the next one is the present one where it is taken.</summary>
    private async Task SettlePasswordAsync(string bin, CancellationToken token)
    {
        if (!Data.HasNextSecret(PasswordName))
        {
            return;
        }

        var environment = new Dictionary<string, string>(Environment()) { ["PGPASSWORD"] = Data.NextSecret(PasswordName) };
        try
        {
            await RunAsync(Path.Combine(bin, "psql"), [.. Address(), "-d", "postgres", "-tAc", "select 1"], environment, token);
            Data.TakeNextSecret(PasswordName);
        }
        catch (ServerException)
        {
            // The present one is still good
        }
    }

    private protected override async Task<bool> AnswersAsync(CancellationToken token)
    {
        try
        {
            await RunAsync(Path.Combine(FindBin(Cluster), "pg_isready"), ["-q", "-t", "3", .. Address()], Environment(), token);
            return true;
        }
        catch (ServerException)
        {
            return false;
        }
    }

    /// <summary>The folder of programs of the newest installed version, or of the version that made the data.</summary>
    private static string FindBin(string cluster)
    {
        string made = Path.Combine(cluster, "PG_VERSION");
        string? wanted = File.Exists(made) ? File.ReadAllText(made).Trim() : null;
        string[] installed = !Directory.Exists(Versions)
            ? []
            :
            [
                .. Directory
                    .GetDirectories(Versions)
                    .Where(folder => File.Exists(Path.Combine(folder, "bin", "initdb")) && int.TryParse(Path.GetFileName(folder), out _))
                    .OrderByDescending(folder => int.Parse(Path.GetFileName(folder))),
            ];
        string? found = wanted is null
            ? installed.FirstOrDefault()
            : installed.FirstOrDefault(folder => Path.GetFileName(folder) == wanted);
        return found is not null
            ? Path.Combine(found, "bin")
            : throw new ServerException(
                wanted is null
                    ? "PostgreSQL is not installed: apt-get install postgresql"
                    : $"The data in {cluster} were made by PostgreSQL {wanted}, which is not installed: apt-get install postgresql-{wanted}"
            );
    }

    private async Task MakeClusterAsync(string bin, CancellationToken token)
    {
        if (Directory.Exists(Cluster))
        {
            return;
        }

        // Made beside its place and moved: a cluster that was interrupted while it was made is never taken for one
        string fresh = Cluster + ".new";
        if (Directory.Exists(fresh))
        {
            Directory.Delete(fresh, recursive: true);
        }

        string password = Path.Combine(Folder, "password");
        PrivateFile.Write(password, Secret("password"), User);
        List<string> arguments = ["-D", fresh, "-U", Role, "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--locale=C.UTF-8"];
        if (!Settings.Durable)
        {
            arguments.Add("--no-sync");
        }

        await RunAsync(Path.Combine(bin, "initdb"), arguments, new Dictionary<string, string>(), token);
        File.Delete(password);
        await File.AppendAllTextAsync(Path.Combine(fresh, "postgresql.conf"), Configuration(), token);
        Directory.Move(fresh, Cluster);
    }

    private string Configuration() =>
        $"""

            # generation: loopback only, no socket file, small
            listen_addresses = '127.0.0.1'
            unix_socket_directories = ''
            max_connections = 300
            shared_buffers = 64MB
            # Rows of queued jobs come and go by the thousand
            autovacuum_naptime = 10s
            log_timezone = 'UTC'
            timezone = 'UTC'
            fsync = {(Settings.Durable ? "on" : "off")}
            synchronous_commit = {(Settings.Durable ? "on" : "off")}
            full_page_writes = {(Settings.Durable ? "on" : "off")}

            """;

    /// <summary>
    /// Waits for processes of a server that was killed. They end by themselves once they notice; until the last of them has, PostgreSQL
    /// refuses to start. Each of them works in the cluster's folder.
    /// </summary>
    private async Task WaitForOrphanedProcessesAsync(CancellationToken token)
    {
        long start = Stopwatch.GetTimestamp();
        while (File.Exists(Lock) && Directory.EnumerateDirectories("/proc").Any(process => WorksIn(process, Cluster)))
        {
            if (Stopwatch.GetElapsedTime(start) > OrphanLimit)
            {
                throw new ServerException(
                    $"Processes of the {Name} before still use {Cluster}, {OrphanLimit.TotalSeconds} s after it ended.",
                    Log
                );
            }

            await Task.Delay(50, token);
        }
    }

    private static bool WorksIn(string process, string folder)
    {
        try
        {
            return new FileInfo(Path.Combine(process, "cwd")).LinkTarget == folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile, or is another user's
            return false;
        }
    }

    /// <summary>
    /// Deletes a stale lock file. PostgreSQL refuses to start where the process number in it belongs to another program by now. The caller
    /// knows that our server does not run; whether another one has the folder open PostgreSQL finds out from the shared memory.
    /// </summary>
    private void RemoveStaleLock()
    {
        if (
            File.Exists(Lock)
            && int.TryParse(File.ReadLines(Lock).FirstOrDefault(), out int pid)
            && !(
                File.Exists($"/proc/{pid}/cmdline") && File.ReadAllText($"/proc/{pid}/cmdline").Contains(Cluster, StringComparison.Ordinal)
            )
        )
        {
            File.Delete(Lock);
        }
    }

    private async Task MakeDatabaseAsync(string bin, CancellationToken token)
    {
        string psql = Path.Combine(bin, "psql");
        string found = await RunAsync(
            psql,
            [.. Address(), "-d", "postgres", "-tAc", $"select 1 from pg_database where datname = '{Role}'"],
            Environment(),
            token
        );
        if (found.Trim() != "1")
        {
            await RunAsync(psql, [.. Address(), "-d", "postgres", "-qc", $"create database {Role}"], Environment(), token);
        }
    }

    private new string[] Address() => ["-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", Role];

    private Dictionary<string, string> Environment() => new() { ["PGPASSWORD"] = Secret("password"), ["PGCONNECT_TIMEOUT"] = "5" };
}
