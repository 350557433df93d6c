using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Generation.Storage.Database;

/// <summary>
/// The role by which the API and the workers come to a database that another role owns: it reads and writes the rows of the tables, and can
/// make, change and drop nothing.
/// </summary>
public static class ProgramRole
{
    /// <summary>PostgreSQL's own number.</summary>
    private const int ScramIterations = 4096;

    /// <summary>
    /// Sees that the role is there, has this password and just these rights on all tables that there are and will be. Called as their
    /// owner, after each migration.
    /// </summary>
    /// <param name="owner">The owner's connections; it may make roles.</param>
    /// <param name="role">The role's name.</param>
    /// <param name="password">Its password; only a verifier of it is sent.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task EnsureAsync(NpgsqlDataSource owner, string role, string password, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await owner.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var look = new NpgsqlCommand(
            "SELECT exists(SELECT FROM pg_roles WHERE rolname = $1), quote_ident($1), quote_literal($2), quote_ident(current_database())",
            connection,
            transaction
        )
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = role },
                new NpgsqlParameter<string> { TypedValue = Verifier(password) },
            },
        };
        bool exists;
        string name;
        string verifier;
        string database;
        await using (NpgsqlDataReader reader = await look.ExecuteReaderAsync(cancellationToken))
        {
            await reader.ReadAsync(cancellationToken);
            (exists, name, verifier, database) = (reader.GetBoolean(0), reader.GetString(1), reader.GetString(2), reader.GetString(3));
        }

        await using var command = new NpgsqlCommand(
            $"""
            {(
                exists ? "ALTER" : "CREATE"
            )} ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {verifier};
            REVOKE CREATE ON SCHEMA public FROM PUBLIC;
            REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {database} TO {name};
            GRANT USAGE ON SCHEMA public TO {name};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name};
            GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name};
            ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name};
            ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {name};
            REVOKE INSERT, UPDATE, DELETE ON "__EFMigrationsHistory" FROM {name};
            """,
            connection,
            transaction
        );
        await command.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>What PostgreSQL keeps of a password (RFC 5803), made here, so that no statement holds the password.</summary>
    private static string Verifier(string password)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(16);
        byte[] salted = Rfc2898DeriveBytes.Pbkdf2(
            Encoding.UTF8.GetBytes(password),
            salt,
            ScramIterations,
            HashAlgorithmName.SHA256,
            SHA256.HashSizeInBytes
        );
        byte[] stored = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        byte[] server = HMACSHA256.HashData(salted, "Server Key"u8);
        string keys = $"{Convert.ToBase64String(stored)}:{Convert.ToBase64String(server)}";
        return string.Create(CultureInfo.InvariantCulture, $"SCRAM-SHA-256${ScramIterations}:{Convert.ToBase64String(salt)}${keys}");
    }
}
