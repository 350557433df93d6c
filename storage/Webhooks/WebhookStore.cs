using System.Security.Cryptography;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Webhooks;

/// <summary>A webhook message to an address that a job's owner gave.</summary>
public sealed record WebhookDelivery(
    Guid Id,
    Guid AccountId,
    JobId JobId,
    string Event,
    string Url,
    DateTimeOffset CreatedAt,
    int Attempts,
    DateTimeOffset? NextAt,
    DateTimeOffset? LastAttemptAt,
    DateTimeOffset? DeliveredAt,
    int? LastStatus,
    string? LastError
)
{
    /// <summary>The server that it is sent to: host and port of the address, in lowercase.</summary>
    public string Host => (Url.Split('/', 4) is [_, _, var host, ..] ? host.Split('?', '#')[0] : "").ToLowerInvariant();
}

/// <summary>How many messages a sender can take.</summary>
/// <param name="Limit">The number of messages in all.</param>
/// <param name="PerAccount">The number of messages of one account.</param>
/// <param name="PerHost">The number of messages to one server.</param>
/// <param name="FullAccounts">The accounts of which it takes none.</param>
/// <param name="FullHosts">The servers (<see cref="WebhookDelivery.Host"/>) for which it takes none.</param>
/// <param name="AttemptLimit">The longest time that an attempt may take.</param>
public sealed record WebhookTurn(
    int Limit,
    int PerAccount,
    int PerHost,
    IReadOnlyCollection<Guid> FullAccounts,
    IReadOnlyCollection<string> FullHosts,
    TimeSpan AttemptLimit
);

/// <summary>A secret that an account's webhooks are signed with.</summary>
/// <param name="Id">The secret's id.</param>
/// <param name="Secret">The secret: whsec_ and 32 bytes in base64.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record WebhookSecret(Guid Id, string Secret, DateTimeOffset CreatedAt)
{
    public const string Prefix = "whsec_";
}

/// <summary>
/// Webhook messages and secrets. A message's row is written in the transaction that changes its job, so that every change is reported; it
/// is sent at least once.
/// </summary>
public sealed class WebhookStore(NpgsqlDataSource source, KeySecret key)
{
    /// <summary>The pauses after failed attempts; after the last the message is given up, until it is redelivered by hand.</summary>
    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(2),
        TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(1),
        TimeSpan.FromHours(2),
        TimeSpan.FromHours(4),
        TimeSpan.FromHours(8),
    ];

    private const string Columns =
        "id, account_id, job_id, event, url, created_at, attempts, next_at, last_attempt_at, delivered_at, last_status, last_error";

    private const string Purpose = "webhook secrets";

    /// <summary>SQL that takes the server out of the column url, in the form of <see cref="WebhookDelivery.Host"/>.</summary>
    private const string Host = "lower(split_part(split_part(split_part(url, '/', 3), '?', 1), '#', 1))";

    /// <summary>How many of the messages that are due are looked at at a time.</summary>
    private const int LookLimit = 2000;

    /// <summary>
    /// Takes messages that are due, each for one sender: of each account and of each server the oldest few, so that none comes after the
    /// many of another. A sender that dies within an attempt loses them after <see cref="WebhookTurn.AttemptLimit"/>, and they are due
    /// again.
    /// </summary>
    public async Task<IReadOnlyList<WebhookDelivery>> TakeDueAsync(WebhookTurn turn, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            WITH due AS (
                SELECT id, account_id, {Host} AS host, next_at FROM webhook_deliveries
                WHERE next_at <= now() AND account_id <> ALL ($5) AND {Host} <> ALL ($6) ORDER BY next_at LIMIT {LookLimit}),
            of_hosts AS (
                SELECT id, account_id, next_at, row_number() OVER (PARTITION BY host ORDER BY next_at, id) AS place FROM due),
            of_accounts AS (
                SELECT id, next_at, row_number() OVER (PARTITION BY account_id ORDER BY next_at, id) AS place FROM of_hosts
                WHERE place <= $4),
            chosen AS (SELECT id FROM of_accounts WHERE place <= $3 ORDER BY place, next_at LIMIT $1)
            UPDATE webhook_deliveries SET next_at = now() + $2, attempts = attempts + 1, last_attempt_at = now()
            WHERE id IN (
                SELECT id FROM webhook_deliveries WHERE id IN (SELECT id FROM chosen) AND next_at <= now() FOR UPDATE SKIP LOCKED)
            RETURNING {Columns}
            """
        );
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = turn.Limit });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = turn.AttemptLimit });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = turn.PerAccount });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = turn.PerHost });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. turn.FullAccounts] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. turn.FullHosts] });
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Records the end of an attempt: delivered (<paramref name="error"/> is null), or to be tried again after a pause.</summary>
    public async Task RecordAsync(WebhookDelivery delivery, int? status, string? error, CancellationToken cancellationToken)
    {
        TimeSpan? pause = error is null || delivery.Attempts > Pauses.Length ? null : Pauses[delivery.Attempts - 1];
        await using NpgsqlCommand command = source.CreateCommand(
            """
            UPDATE webhook_deliveries SET last_status = $2, last_error = $3, next_at = now() + $4,
                delivered_at = CASE WHEN $3 IS NULL THEN now() ELSE delivered_at END
            WHERE id = $1
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = delivery.Id });
        Add(command, status, NpgsqlDbType.Integer);
        Add(command, error, NpgsqlDbType.Text);
        Add(command, pause, NpgsqlDbType.Interval);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Lists an account's messages, the newest first; only those of one job, if it is given.</summary>
    public async Task<IReadOnlyList<WebhookDelivery>> ListAsync(Guid accountId, JobId? job, int limit, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            SELECT {Columns} FROM webhook_deliveries WHERE account_id = $1 AND ($2 IS NULL OR job_id = $2)
            ORDER BY created_at DESC, id LIMIT $3
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        Add(command, job?.Value, NpgsqlDbType.Uuid);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Sends a message again, now, with its pauses from the beginning; null if the account has none with this id.</summary>
    public async Task<WebhookDelivery?> RedeliverAsync(Guid id, Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"UPDATE webhook_deliveries SET next_at = now(), attempts = 0 WHERE id = $1 AND account_id = $2 RETURNING {Columns}"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        return (await ReadAsync(command, cancellationToken)).SingleOrDefault();
    }

    /// <summary>The account's secrets, the oldest first; one is made if there is none.</summary>
    public async Task<IReadOnlyList<WebhookSecret>> SecretsAsync(Guid accountId, CancellationToken cancellationToken)
    {
        IReadOnlyList<WebhookSecret> secrets = await ReadSecretsAsync(accountId, cancellationToken);
        if (secrets.Count > 0)
        {
            return secrets;
        }

        await AddFirstSecretAsync(accountId, cancellationToken);
        return await ReadSecretsAsync(accountId, cancellationToken);
    }

    /// <summary>If many senders find no secret, one of them makes it: the others wait for the account's row and then see it.</summary>
    private async Task AddFirstSecretAsync(Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var turn = new NpgsqlCommand("SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE", connection, transaction)
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = accountId } },
        };
        await turn.ExecuteNonQueryAsync(cancellationToken);
        await using var insert = new NpgsqlCommand(
            """
            INSERT INTO webhook_secrets (id, account_id, sealed)
            SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM webhook_secrets WHERE account_id = $2)
            """,
            connection,
            transaction
        )
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7() },
                new NpgsqlParameter<Guid> { TypedValue = accountId },
                new NpgsqlParameter<byte[]> { TypedValue = Seal(RandomNumberGenerator.GetBytes(32)) },
            },
        };
        await insert.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<WebhookSecret>> ReadSecretsAsync(Guid accountId, CancellationToken cancellationToken)
    {
        var secrets = new List<WebhookSecret>();
        await using (
            NpgsqlCommand command = source.CreateCommand(
                "SELECT id, sealed, created_at FROM webhook_secrets WHERE account_id = $1 ORDER BY created_at, id"
            )
        )
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                secrets.Add(
                    new WebhookSecret(
                        reader.GetGuid(0),
                        Text(Unseal(reader.GetFieldValue<byte[]>(1))),
                        reader.GetFieldValue<DateTimeOffset>(2)
                    )
                );
            }
        }

        return secrets;
    }

    /// <summary>Adds a secret: messages are signed with each, until the old one is removed.</summary>
    public async Task<WebhookSecret> AddSecretAsync(Guid accountId, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7();
        byte[] secret = RandomNumberGenerator.GetBytes(32);
        await using NpgsqlCommand command = source.CreateCommand(
            "INSERT INTO webhook_secrets (id, account_id, sealed) VALUES ($1, $2, $3) RETURNING created_at"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = Seal(secret) });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new WebhookSecret(id, Text(secret), reader.GetFieldValue<DateTimeOffset>(0));
    }

    public async Task<bool> RemoveSecretAsync(Guid id, Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("DELETE FROM webhook_secrets WHERE id = $1 AND account_id = $2");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    private static string Text(byte[] secret) => WebhookSecret.Prefix + Convert.ToBase64String(secret);

    /// <summary>Seals all secrets under the server's present secret, and returns how many were sealed under an earlier one.</summary>
    public async Task<int> SealAnewAsync(CancellationToken cancellationToken)
    {
        var boxes = new List<(Guid Id, byte[] Sealed)>();
        await using (NpgsqlCommand read = source.CreateCommand("SELECT id, sealed FROM webhook_secrets"))
        await using (NpgsqlDataReader reader = await read.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                boxes.Add((reader.GetGuid(0), reader.GetFieldValue<byte[]>(1)));
            }
        }

        int changed = 0;
        foreach ((Guid id, byte[] box) in boxes.Where(box => TryUnseal(SealingKeys()[0], box.Sealed) is null))
        {
            await using NpgsqlCommand write = source.CreateCommand("UPDATE webhook_secrets SET sealed = $3 WHERE id = $1 AND sealed = $2");
            write.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            write.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = box });
            write.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = Seal(Unseal(box)) });
            changed += await write.ExecuteNonQueryAsync(cancellationToken);
        }

        return changed;
    }

    /// <summary>Deletes all secrets, for operators who have lost the server's secret under which they were sealed.</summary>
    public async Task<int> RemoveAllSecretsAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand("DELETE FROM webhook_secrets");
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private byte[][] SealingKeys() => [.. key.KeysFor(Purpose).Select(known => HMACSHA256.HashData(known.Key, "sealing"u8))];

    /// <summary>Encrypts a secret with AES-256-GCM, into nonce, tag and cipher text.</summary>
    private byte[] Seal(byte[] secret)
    {
        byte[] box = new byte[12 + 16 + secret.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, 12));
        using var aes = new AesGcm(SealingKeys()[0], 16);
        aes.Encrypt(box.AsSpan(0, 12), secret, box.AsSpan(28), box.AsSpan(12, 16));
        return box;
    }

    private byte[] Unseal(byte[] box)
    {
        do
        {
            foreach (byte[] sealing in SealingKeys())
            {
                if (TryUnseal(sealing, box) is { } secret)
                {
                    return secret;
                }
            }
        } while (key.Refresh());
        throw new InvalidDataException(
            "A webhook secret was sealed under another server's secret (Keys:SecretFile). Put the file back as it was, from a backup."
        );
    }

    /// <summary>Opens a sealed secret; null if it was sealed under another key.</summary>
    private static byte[]? TryUnseal(byte[] sealing, byte[] box)
    {
        byte[] secret = new byte[box.Length - 28];
        using var aes = new AesGcm(sealing, 16);
        try
        {
            aes.Decrypt(box.AsSpan(0, 12), box.AsSpan(28), box.AsSpan(12, 16), secret);
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static async Task<IReadOnlyList<WebhookDelivery>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using NpgsqlDataReader r = await command.ExecuteReaderAsync(cancellationToken);
        var deliveries = new List<WebhookDelivery>();
        while (await r.ReadAsync(cancellationToken))
        {
            deliveries.Add(
                new WebhookDelivery(
                    r.GetGuid(0),
                    r.GetGuid(1),
                    new JobId(r.GetGuid(2)),
                    r.GetString(3),
                    r.GetString(4),
                    r.GetFieldValue<DateTimeOffset>(5),
                    r.GetInt32(6),
                    Time(r, 7),
                    Time(r, 8),
                    Time(r, 9),
                    r.IsDBNull(10) ? null : r.GetInt32(10),
                    r.IsDBNull(11) ? null : r.GetString(11)
                )
            );
        }

        return deliveries;
    }

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int ordinal) =>
        reader.IsDBNull(ordinal) ? null : reader.GetFieldValue<DateTimeOffset>(ordinal);

    private static void Add(NpgsqlCommand command, object? value, NpgsqlDbType type) =>
        command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });
}
