using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Npgsql;
using StackExchange.Redis.Configuration;

namespace Generation.Storage.Passwords;

/// <summary>Passwords of servers that may change while the program runs: configuration section "Passwords".</summary>
public sealed record PasswordsOptions
{
    public const string Section = "Passwords";

    /// <summary>
    /// A file with a JSON object of passwords: postgres, redis, rabbitmq. They are for connection strings and addresses that have a user
    /// and no password, and are read again for each connection, so that a program need not stop when they change.
    /// </summary>
    public string? File { get; init; }
}

/// <summary>The passwords of servers that connection strings leave out, from Passwords:File as it is at the moment.</summary>
public sealed class ServerPasswords
{
    public const string Postgres = "postgres";
    public const string Redis = "redis";
    public const string RabbitMq = "rabbitmq";

    /// <summary>Beside a password of PostgreSQL: the one that takes its place about now. PostgreSQL knows one at a time.</summary>
    public const string PostgresNext = "postgres_next";

    /// <summary>How long a new connection waits for the change from one password to the next.</summary>
    private static readonly TimeSpan ChangeLimit = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly string? _file;

    private ServerPasswords(string? file) => _file = file;

    /// <summary>As the configuration has it.</summary>
    public static ServerPasswords Of(IConfiguration configuration) =>
        new(configuration.GetSection(PasswordsOptions.Section).Get<PasswordsOptions>()?.File is { Length: > 0 } file ? file : null);

    /// <summary>The password of a server; null where there is no file, or where the file does not have it.</summary>
    /// <exception cref="IOException">The file cannot be read. The message says what to do.</exception>
    public string? Find(string server) => Read().GetValueOrDefault(server);

    /// <summary>
    /// The password of PostgreSQL for a connection that is made now. While it changes, this waits until one of the two is known to be good.
    /// </summary>
    /// <param name="address">The connection to be made, without the password.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<string> OfPostgresAsync(NpgsqlConnectionStringBuilder address, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            Dictionary<string, string> all = Read();
            string present = all.GetValueOrDefault(Postgres) ?? "";
            if (!all.TryGetValue(PostgresNext, out string? next) || Stopwatch.GetElapsedTime(start) > ChangeLimit)
            {
                return present;
            }

            if (await IsGoodAsync(address, next, cancellationToken) is not { } isGood)
            {
                return present;
            }

            if (isGood)
            {
                return next;
            }

            await Task.Delay(Look, cancellationToken);
        }
    }

    /// <summary>Whether PostgreSQL takes a password; null where it does not answer.</summary>
    private static async Task<bool?> IsGoodAsync(
        NpgsqlConnectionStringBuilder address,
        string password,
        CancellationToken cancellationToken
    )
    {
        var once = new NpgsqlConnectionStringBuilder(address.ConnectionString) { Password = password, Pooling = false };
        await using var connection = new NpgsqlConnection(once.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            return false;
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }

    private Dictionary<string, string> Read()
    {
        if (_file is null)
        {
            return [];
        }

        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllBytes(_file)) ?? [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new IOException($"Passwords:File names {_file}, which is no readable file with a JSON object of texts: {e.Message}", e);
        }
    }

    /// <summary>Redis's client asks for the password whenever it connects.</summary>
    internal sealed class ForRedis(ServerPasswords passwords) : DefaultOptionsProvider
    {
        public override string? Password => passwords.Find(Redis);
    }
}
