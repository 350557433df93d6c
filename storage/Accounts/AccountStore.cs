using Generation.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Accounts;

/// <summary>An account as it is now.</summary>
public sealed record Account(
    Guid Id,
    string Name,
    DateTimeOffset CreatedAt,
    Credits Balance,
    Credits Held,
    int Weight,
    bool Disabled,
    string? Limits
);

/// <summary>The accounts, which own jobs and credits.</summary>
public sealed class AccountStore(NpgsqlDataSource source)
{
    private const string Columns = "id, name, created_at, balance, held, weight, disabled, limits::text";

    /// <summary>Makes an account and grants it <paramref name="freeCredits"/>; null if the name is taken.</summary>
    public async Task<Account?> CreateAsync(string name, Credits freeCredits, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7();
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (
            var insert = new NpgsqlCommand(
                "INSERT INTO accounts (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                connection,
                transaction
            )
        )
        {
            insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            if (await insert.ExecuteNonQueryAsync(cancellationToken) == 0)
            {
                return null;
            }
        }

        if (freeCredits > Credits.Zero)
        {
            await Ledger.MoveAsync(
                connection,
                id,
                LedgerEntry.Grant,
                freeCredits,
                "Free credits of a new account",
                null,
                cancellationToken
            );
        }

        await transaction.CommitAsync(cancellationToken);
        return await FindAsync(id, cancellationToken);
    }

    public async Task<Account?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        (await ReadAsync($"SELECT {Columns} FROM accounts WHERE id = $1", id, NpgsqlDbType.Uuid, cancellationToken)).SingleOrDefault();

    internal static async Task<Account?> FindAsync(NpgsqlConnection connection, Guid id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {Columns} FROM accounts WHERE id = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return (await ReadAsync(command, cancellationToken)).SingleOrDefault();
    }

    public async Task<Account?> FindByNameAsync(string name, CancellationToken cancellationToken) =>
        (await ReadAsync($"SELECT {Columns} FROM accounts WHERE name = $1", name, NpgsqlDbType.Text, cancellationToken)).SingleOrDefault();

    /// <summary>Lists accounts in the order in which they were made, after a given one.</summary>
    public async Task<IReadOnlyList<Account>> ListAsync(Guid? after, int limit, CancellationToken cancellationToken) =>
        await ReadAsync(
            $"SELECT {Columns} FROM accounts WHERE $1 IS NULL OR id > $1 ORDER BY id LIMIT {limit}",
            after,
            NpgsqlDbType.Uuid,
            cancellationToken
        );

    /// <summary>
    /// Changes the fields that are not null; limits of "{}" remove the account's own limits. Returns null if there is no such account, or
    /// it is deleted.
    /// </summary>
    public async Task<Account?> ChangeAsync(Guid id, int? weight, bool? disabled, string? limits, CancellationToken cancellationToken)
    {
        await using (
            NpgsqlCommand command = source.CreateCommand(
                """
                UPDATE accounts SET weight = coalesce($2, weight), disabled = coalesce($3, disabled),
                    limits = CASE WHEN $4 IS NULL THEN limits ELSE nullif($4, '{}') END
                WHERE id = $1 AND deleted_at IS NULL
                """
            )
        )
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)weight ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)disabled ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Boolean });
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)limits ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb });
            if (await command.ExecuteNonQueryAsync(cancellationToken) == 0)
            {
                return null;
            }
        }

        return await FindAsync(id, cancellationToken);
    }

    /// <summary>Whether there is any account at all.</summary>
    public async Task<bool> AnyAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("SELECT EXISTS (SELECT 1 FROM accounts)");
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private async Task<IReadOnlyList<Account>> ReadAsync(string sql, object? value, NpgsqlDbType type, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });
        return await ReadAsync(command, cancellationToken);
    }

    private static async Task<IReadOnlyList<Account>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var accounts = new List<Account>();
        while (await reader.ReadAsync(cancellationToken))
        {
            accounts.Add(
                new Account(
                    reader.GetGuid(0),
                    reader.GetString(1),
                    reader.GetFieldValue<DateTimeOffset>(2),
                    new Credits(reader.GetInt64(3)),
                    new Credits(reader.GetInt64(4)),
                    reader.GetInt32(5),
                    reader.GetBoolean(6),
                    reader.IsDBNull(7) ? null : reader.GetString(7)
                )
            );
        }

        return accounts;
    }
}
