using Npgsql;

namespace Generation.Storage.Accounts;

/// <summary>
/// Ties the secret to the database. A secret is made only with a new database: with a lost or a different secret every key would be
/// unknown, and that could not be undone.
/// </summary>
public static class KeySecretFile
{
    /// <summary>Reads the secret in a file; makes one if there is no file and the database has no keys yet.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is missing although the database has keys, or it contains something else.
    /// </exception>
    /// <exception cref="NpgsqlException">The file is not there, and the database cannot be asked.</exception>
    public static KeySecret Open(string path, NpgsqlDataSource source)
    {
        if (!File.Exists(path) && HasKeys(source))
        {
            throw new InvalidDataException(
                $"{Path.GetFullPath(path)} (Keys:SecretFile) is not there, and the database has keys that were made with it. Put the "
                    + "file back, "
                    + "from a backup ('./generation restore') or from another API's machine; readable by its owner only. If it is lost "
                    + "for good, "
                    + "run 'keys rotate-secret --lost': it makes a new one, with which all keys, addresses of outputs and webhook "
                    + "secrets given "
                    + "out so far are void."
            );
        }

        return KeySecret.LoadOrCreate(path);
    }

    /// <summary>Checks that the secret belongs to the database. A database without a secret takes this one.</summary>
    /// <exception cref="InvalidDataException">It belongs to another database.</exception>
    public static async Task CheckAsync(KeySecret secret, NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            WITH made AS (INSERT INTO key_secret (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id)
            SELECT id FROM made UNION ALL SELECT id FROM key_secret LIMIT 1
            """
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = secret.Id });
        string known = (string?)await command.ExecuteScalarAsync(cancellationToken) ?? secret.Id;
        secret.Refresh();
        if (!secret.Ids.Contains(known))
        {
            throw new InvalidDataException(
                $"The file of Keys:SecretFile holds another secret ({secret.Id}) than this database's keys were made with ({known}). "
                    + "Put the "
                    + "right file there, from a backup or from another API's machine; or let ConnectionStrings:Postgres name the "
                    + "database that "
                    + "it belongs to."
            );
        }
    }

    /// <summary>Records that the database belongs to this secret from now on.</summary>
    public static async Task RecordAsync(KeySecret secret, NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "INSERT INTO key_secret (id) VALUES ($1) ON CONFLICT (only_one) DO UPDATE SET id = $1"
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = secret.Id });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static bool HasKeys(NpgsqlDataSource source)
    {
        using NpgsqlConnection connection = source.OpenConnection();
        // A database without the table is new
        using var table = new NpgsqlCommand("SELECT to_regclass('api_keys') IS NOT NULL", connection);
        if (table.ExecuteScalar() is not true)
        {
            return false;
        }

        using var any = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM api_keys)", connection);
        return any.ExecuteScalar() is true;
    }

    /// <summary>Waits until no other process is replacing this database's secret. Others wait until the result is disposed.</summary>
    public static async Task<IAsyncDisposable> LockAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        try
        {
            await ExecuteAsync(connection, "SELECT pg_advisory_lock(hashtextextended('key secret', 0))", cancellationToken);
            return new Held(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed class Held(NpgsqlConnection connection) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            // Connections of the pool keep what their session holds
            await ExecuteAsync(connection, "SELECT pg_advisory_unlock(hashtextextended('key secret', 0))", CancellationToken.None);
            await connection.DisposeAsync();
        }
    }
}
