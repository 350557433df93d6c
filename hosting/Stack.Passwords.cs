using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Generation.Hosting.Servers;

namespace Generation.Hosting;

/// <summary>By which users and passwords the programs come to the servers, and how the passwords are replaced.</summary>
public sealed partial class Stack
{
    private const string PostgresName = "ConnectionStrings__Postgres";
    private const string RedisName = "ConnectionStrings__Redis";
    private const string BrokerName = "ConnectionStrings__RabbitMq";
    private const string PasswordsFile = "Passwords__File";

    /// <summary>The user of the API at RabbitMQ, and the name of its secret.</summary>
    private const string ApiUser = "rabbitmq-api";

    /// <summary>The user of the workers at RabbitMQ, and the name of its secret.</summary>
    private const string WorkerUser = "rabbitmq-worker";

    private const string DatabaseSecret = "postgres-programs";
    private const string RedisSecret = "redis-password";
    private const string BrokerSecret = "rabbitmq-password";

    /// <summary>The passwords that programs read again when they change, by the names of their secrets.</summary>
    private static readonly string[] ProgramSecrets = [DatabaseSecret, RedisSecret, ApiUser, WorkerUser];

    /// <summary>How long a connection may take that began with a password just before it changes.</summary>
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Replaces the passwords of PostgreSQL, Redis and RabbitMQ while everything runs. A rotation that was interrupted is completed by the
    /// next one, and by <see cref="UpAsync"/>.
    /// </summary>
    /// <exception cref="StepException">The servers are others', or do not run.</exception>
    public async Task RotatePasswordsAsync(IProgress<string>? progress, CancellationToken token)
    {
        const string doing = "replace the servers' passwords";
        if (Servers is not PrivateServers)
        {
            throw new StepException(doing, "This stack's servers are not its own.", null, "docs/operations.md says how it is done");
        }

        using FileStream turn = await TakeTurnAsync(progress, token);
        if (Servers.All.FirstOrDefault(server => !server.IsRunning) is { } stopped)
        {
            throw new StepException(doing, $"{stopped.Name} does not run.", null, "./generation up");
        }

        int code = await RunApiAsync(["audit", "enter", "servers.rotate_passwords", "postgres, redis, rabbitmq"], log: null, token);
        if (code != 0)
        {
            throw new StepException(doing, "It could not be entered in the audit log.", null, "./generation status");
        }

        await Step.RunAsync(doing, () => RotateAsync(progress, token));
    }

    /// <summary>Whether a rotation of passwords was begun and not completed.</summary>
    private bool IsRotating =>
        Servers is PrivateServers && ProgramSecrets.Append(BrokerSecret).Append("postgres-password").Any(Folder.HasNextSecret);

    private async Task RotateAsync(IProgress<string>? progress, CancellationToken token)
    {
        var own = (PrivateServers)Servers;
        foreach (string name in ProgramSecrets)
        {
            Folder.NextSecret(name);
        }

        // Redis knows both passwords, for as long as they take turns
        await own.RedisServer.AddPasswordAsync(token);
        // PostgreSQL knows one at a time: new connections wait until the change is made, and those that have begun are made before
        WritePasswordFiles(isChanging: true);
        await Task.Delay(HandshakeLimit, token);
        await own.PostgresServer.SetPasswordAsync(ProgramsRole, Folder.NextSecret(DatabaseSecret), token);
        // RabbitMQ's clients try again by themselves
        await SetBrokerUsersAsync(Folder.NextSecret, token);
        // Once more, in case it was started anew meanwhile
        await own.RedisServer.AddPasswordAsync(token);
        foreach (string name in ProgramSecrets)
        {
            Folder.TakeNextSecret(name);
        }

        WritePasswordFiles();
        await own.RedisServer.KeepPasswordAsync(token);
        progress?.Report("the API and the workers have new passwords");

        await own.PostgresServer.ChangeOwnPasswordAsync(token);
        Folder.NextSecret(BrokerSecret);
        Folder.TakeNextSecret(BrokerSecret);
        await own.RabbitMq.SetOwnPasswordAsync(token);
        if (File.Exists(AddressFile))
        {
            WriteAddresses();
        }

        progress?.Report("the servers' own users have new passwords");
    }

    /// <summary>
    /// After the servers have started: completes what was begun, and sees that the programs' users are there with their permissions.
    /// </summary>
    private async Task PrepareUsersAsync(IProgress<string>? progress, CancellationToken token)
    {
        if (IsRotating)
        {
            await RotateAsync(progress, token);
        }
        else
        {
            WritePasswordFiles();
            await SetBrokerUsersAsync(Folder.Secret, token);
        }

        // One that ended between a new password and its last step
        if (Servers is PrivateServers own)
        {
            await own.RedisServer.KeepPasswordAsync(token);
            await own.RabbitMq.SetOwnPasswordAsync(token);
        }
    }

    private async Task SetBrokerUsersAsync(Func<string, string> password, CancellationToken token)
    {
        string host = VirtualHost;
        await Servers.RabbitMq.SetUserAsync(host, BrokerUser.ForApi(NameOf(ApiUser), password(ApiUser)), token);
        await Servers.RabbitMq.SetUserAsync(host, BrokerUser.ForWorkers(NameOf(WorkerUser), password(WorkerUser)), token);
    }

    /// <summary>The settings of the API: those of programs in general, with the API's own user at RabbitMQ.</summary>
    private Dictionary<string, string> ApiSettings()
    {
        var settings = new Dictionary<string, string>(ProgramSettings());
        if (settings[BrokerName] == BrokerAddress(WorkerUser))
        {
            settings[BrokerName] = BrokerAddress(ApiUser);
        }

        if (settings.TryGetValue(PasswordsFile, out string? file) && file == PasswordFileOf(WorkerUser))
        {
            settings[PasswordsFile] = PasswordFileOf(ApiUser);
        }

        return settings;
    }

    /// <summary>The database by the role of the programs, which owns nothing in it.</summary>
    private string ProgramsDatabase()
    {
        var owners = new DbConnectionStringBuilder { ConnectionString = Servers.Postgres.ConnectionString };
        string address = $"Host={owners["Host"]};Port={owners["Port"]};Database={owners["Database"]};Username={ProgramsRole}";
        return Servers is PrivateServers ? address : $"{address};Password={Folder.Secret(DatabaseSecret)}";
    }

    /// <summary>Redis, for the programs.</summary>
    private string ProgramsRedis() =>
        Servers is PrivateServers ? Servers.Redis.ConnectionString.Split(',')[0] : Servers.Redis.ConnectionString;

    /// <summary>RabbitMQ by a user of the programs.</summary>
    private string BrokerAddress(string user)
    {
        var address = new UriBuilder(Servers.RabbitMq.ConnectionString)
        {
            UserName = NameOf(user),
            Password = Servers is PrivateServers ? "" : Folder.Secret(user),
        };
        return address.Uri.AbsoluteUri;
    }

    private string VirtualHost => new Uri(Servers.RabbitMq.ConnectionString).AbsolutePath.Trim('/');

    private string ProgramsRole => NameOf("generation_programs").Replace('-', '_');

    /// <summary>
    /// A server may serve several stacks, and its users are all of theirs: each stack has users of its own. Their names hold a hash of the
    /// first password of the programs' role, and stay when it changes.
    /// </summary>
    private string NameOf(string user)
    {
        string path = Path.Combine(Folder.Root, "secrets", "users");
        if (!File.Exists(path))
        {
            byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(Folder.Secret(DatabaseSecret)));
            PrivateFile.Write(path, Convert.ToHexStringLower(hash)[..8]);
        }

        return $"{user}-{File.ReadAllText(path).Trim()}";
    }

    private string PasswordFileOf(string user) => Path.Combine(Folder.Root, "secrets", user + ".json");

    /// <summary>Writes what the programs read whenever they connect, unless that stands there.</summary>
    /// <param name="isChanging">Whether PostgreSQL's password is about to be the next one.</param>
    private void WritePasswordFiles(bool isChanging = false)
    {
        if (Servers is not PrivateServers)
        {
            return;
        }

        IReadOnlyDictionary<string, string> overrides = _settings.Overrides ?? Overrides.Load(Folder);
        foreach (string user in (string[])[ApiUser, WorkerUser])
        {
            var all = new Dictionary<string, string>();
            // What leads to a server of somebody else's has no use for the passwords of ours
            if (!overrides.ContainsKey(PostgresName))
            {
                all["postgres"] = Folder.Secret(DatabaseSecret);
            }

            if (isChanging && !overrides.ContainsKey(PostgresName))
            {
                all["postgres_next"] = Folder.NextSecret(DatabaseSecret);
            }

            if (!overrides.ContainsKey(RedisName))
            {
                all["redis"] = Folder.Secret(RedisSecret);
            }

            if (!overrides.ContainsKey(BrokerName))
            {
                all["rabbitmq"] = Folder.Secret(user);
            }

            string text = JsonSerializer.Serialize(all);
            string path = PasswordFileOf(user);
            if (!File.Exists(path) || File.ReadAllText(path) != text)
            {
                PrivateFile.Write(path, text);
            }
        }
    }
}
