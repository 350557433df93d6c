using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Accounts;

/// <summary>What a key allows. "admin" includes all other scopes.</summary>
public static class Scopes
{
    /// <summary>Submitting, reading and cancelling the account's jobs, and reading its credits.</summary>
    public const string Jobs = "jobs";

    /// <summary>Reading the account's jobs and credits, without changing anything.</summary>
    public const string Read = "read";

    /// <summary>Accounts, keys, credits and workers: everything.</summary>
    public const string Admin = "admin";

    public static readonly IReadOnlyList<string> All = [Jobs, Read, Admin];
}

/// <summary>The caller of a request: a valid key and its account.</summary>
public sealed record Caller(Guid KeyId, Guid AccountId, string AccountName, IReadOnlySet<string> Scopes, string? Limits)
{
    /// <summary>How the audit log names the caller.</summary>
    public string Actor => $"key {KeyId} of {AccountName}";

    public bool May(string scope) =>
        Scopes.Contains(scope)
        || Scopes.Contains(Accounts.Scopes.Admin)
        || (scope == Accounts.Scopes.Read && Scopes.Contains(Accounts.Scopes.Jobs));
}

/// <summary>What may be shown of a key.</summary>
public sealed record ApiKeyInfo(
    Guid Id,
    Guid AccountId,
    string AccountName,
    string Name,
    string Prefix,
    IReadOnlyList<string> Scopes,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    DateTimeOffset? LastUsedAt
);

/// <summary>A key that was just made.</summary>
/// <param name="Key">The key itself, which is shown once and stored nowhere.</param>
/// <param name="Info">What is stored of it.</param>
public sealed record NewApiKey(string Key, ApiKeyInfo Info);

/// <summary>The API keys of accounts.</summary>
public sealed class ApiKeyStore(NpgsqlDataSource source, KeySecret secret)
{
    private const string InfoColumns =
        "k.id, k.account_id, a.name, k.name, k.prefix, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at";

    public async Task<NewApiKey> CreateAsync(
        Guid accountId,
        string name,
        IReadOnlyList<string> scopes,
        DateTimeOffset? expiresAt,
        CancellationToken cancellationToken
    )
    {
        string key = ApiKey.New();
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            WITH k AS (
                INSERT INTO api_keys (id, account_id, name, prefix, hash, scopes, expires_at, secret)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *)
            SELECT {InfoColumns} FROM k JOIN accounts a ON a.id = k.account_id
            """
        );
        Add(command, Guid.CreateVersion7(), NpgsqlDbType.Uuid);
        Add(command, accountId, NpgsqlDbType.Uuid);
        Add(command, name, NpgsqlDbType.Text);
        Add(command, key[..ApiKey.ShownLength], NpgsqlDbType.Text);
        Add(command, secret.Hash(key), NpgsqlDbType.Bytea);
        Add(command, scopes.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text);
        Add(command, expiresAt?.ToUniversalTime(), NpgsqlDbType.TimestampTz);
        Add(command, secret.Id, NpgsqlDbType.Text);
        return new NewApiKey(key, (await ReadAsync(command, cancellationToken))[0]);
    }

    /// <summary>
    /// Finds the caller with <paramref name="key"/>; null if the key is unknown, expired or revoked, or its account is disabled.
    /// </summary>
    public async Task<Caller?> FindCallerAsync(string key, CancellationToken cancellationToken)
    {
        // Once more where the secret was replaced: another process may have made the key under the new one
        do
        {
            byte[][] hashes = secret.Hashes(key);
            if (await FindCallerAsync(hashes, cancellationToken) is not var (caller, hash))
            {
                continue;
            }

            if (!hash.AsSpan().SequenceEqual(hashes[0]))
            {
                await HashAnewAsync(caller.KeyId, hash, hashes[0], cancellationToken);
            }

            return caller;
        } while (secret.Refresh());
        return null;
    }

    /// <summary>The number of valid keys that are not yet stored under the present secret; each will be when it is next used.</summary>
    public async Task<long> CountUnderEarlierSecretsAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            SELECT count(*) FROM api_keys
            WHERE secret IS DISTINCT FROM $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
            """
        );
        Add(command, secret.Id, NpgsqlDbType.Text);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<(Caller Caller, byte[] Hash)?> FindCallerAsync(byte[][] hashes, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            SELECT k.id, k.account_id, a.name, k.scopes, a.limits::text, k.hash FROM api_keys k JOIN accounts a ON a.id = k.account_id
            WHERE k.hash = ANY ($1) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND NOT a.disabled
            """
        );
        Add(command, hashes, NpgsqlDbType.Array | NpgsqlDbType.Bytea);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (
                new Caller(
                    reader.GetGuid(0),
                    reader.GetGuid(1),
                    reader.GetString(2),
                    reader.GetFieldValue<string[]>(3).ToHashSet(),
                    reader.IsDBNull(4) ? null : reader.GetString(4)
                ),
                reader.GetFieldValue<byte[]>(5)
            )
            : null;
    }

    /// <summary>Stores a key that is being used under the present secret.</summary>
    private async Task HashAnewAsync(Guid id, byte[] old, byte[] now, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("UPDATE api_keys SET hash = $3, secret = $4 WHERE id = $1 AND hash = $2");
        Add(command, id, NpgsqlDbType.Uuid);
        Add(command, old, NpgsqlDbType.Bytea);
        Add(command, now, NpgsqlDbType.Bytea);
        Add(command, secret.Id, NpgsqlDbType.Text);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Returns those of the keys that are no longer valid: revoked, expired or deleted ones, and those of disabled accounts.
    /// </summary>
    public async Task<IReadOnlySet<Guid>> FindVoidAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            SELECT asked.id FROM unnest($1) AS asked (id) WHERE NOT EXISTS (
                SELECT FROM api_keys k JOIN accounts a ON a.id = k.account_id
                WHERE k.id = asked.id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND NOT a.disabled)
            """
        );
        Add(command, ids.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Uuid);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new HashSet<Guid>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(reader.GetGuid(0));
        }

        return found;
    }

    /// <summary>Records that keys were used, to about a second.</summary>
    public async Task TouchAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("UPDATE api_keys SET last_used_at = now() WHERE id = ANY ($1)");
        Add(command, ids.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Uuid);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Lists the keys of one account, or of all.</summary>
    public async Task<IReadOnlyList<ApiKeyInfo>> ListAsync(Guid? accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            SELECT {InfoColumns} FROM api_keys k JOIN accounts a ON a.id = k.account_id
            WHERE $1 IS NULL OR k.account_id = $1 ORDER BY k.created_at, k.id
            """
        );
        Add(command, accountId, NpgsqlDbType.Uuid);
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>
    /// Lists an account's keys: those that are not revoked, the newest first, then those that were in the last 30 days; up to
    /// <paramref name="limit"/> of them.
    /// </summary>
    public async Task<IReadOnlyList<ApiKeyInfo>> ListRecentAsync(Guid accountId, int limit, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            SELECT {InfoColumns} FROM api_keys k JOIN accounts a ON a.id = k.account_id
            WHERE k.account_id = $1 AND (k.revoked_at IS NULL OR k.revoked_at > now() - interval '30 days')
            ORDER BY k.revoked_at IS NOT NULL, k.created_at DESC, k.id LIMIT $2
            """
        );
        Add(command, accountId, NpgsqlDbType.Uuid);
        Add(command, limit, NpgsqlDbType.Integer);
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Finds a key of an account; null if the account has none with this id.</summary>
    public async Task<ApiKeyInfo?> FindAsync(Guid accountId, Guid id, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"SELECT {InfoColumns} FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.account_id = $1 AND k.id = $2"
        );
        Add(command, accountId, NpgsqlDbType.Uuid);
        Add(command, id, NpgsqlDbType.Uuid);
        return (await ReadAsync(command, cancellationToken)).SingleOrDefault();
    }

    /// <summary>Counts the keys of an account that are neither revoked nor expired.</summary>
    public async Task<long> CountValidAsync(Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "SELECT count(*) FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
        );
        Add(command, accountId, NpgsqlDbType.Uuid);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Revokes a key; null if there is none with this id. The call may be repeated.</summary>
    public async Task<ApiKeyInfo?> RevokeAsync(Guid id, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            WITH k AS (UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING *)
            SELECT {InfoColumns} FROM k JOIN accounts a ON a.id = k.account_id
            """
        );
        Add(command, id, NpgsqlDbType.Uuid);
        return (await ReadAsync(command, cancellationToken)).SingleOrDefault();
    }

    private static async Task<IReadOnlyList<ApiKeyInfo>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var keys = new List<ApiKeyInfo>();
        while (await reader.ReadAsync(cancellationToken))
        {
            keys.Add(
                new ApiKeyInfo(
                    reader.GetGuid(0),
                    reader.GetGuid(1),
                    reader.GetString(2),
                    reader.GetString(3),
                    reader.GetString(4),
                    reader.GetFieldValue<string[]>(5),
                    reader.GetFieldValue<DateTimeOffset>(6),
                    Time(reader, 7),
                    Time(reader, 8),
                    Time(reader, 9)
                )
            );
        }

        return keys;
    }

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int ordinal) =>
        reader.IsDBNull(ordinal) ? null : reader.GetFieldValue<DateTimeOffset>(ordinal);

    private static void Add(NpgsqlCommand command, object? value, NpgsqlDbType type) =>
        command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });
}
