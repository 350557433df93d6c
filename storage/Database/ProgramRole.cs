using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Generation.Storage.Database;

/// <summary>
/// The role that the API and the workers connect as to a database that another role owns. It can read and write the rows of the tables, but
/// cannot create, change or drop anything.
/// </summary>
public static class ProgramRole
{
    /// <summary>The number of iterations that PostgreSQL itself uses.</summary>
    private const int ScramIterations = 4096;

    /// <summary>
    /// Makes sure that the role exists, has this password and has exactly these rights on all present and future tables. It is called as
    /// their owner, after each migration.
    /// </summary>
    /// <param name="owner">The connections of the owner, who may create roles.</param>
    /// <param name="role">The role's name.</param>
    /// <param name="password">Its password, of which only a verifier is sent.</param>
    /// <param name="cancellationToken">Cancels the statements.</param>
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

    /// <summary>Computes what PostgreSQL stores of a password (RFC 5803), so that no statement contains the password.</summary>
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
