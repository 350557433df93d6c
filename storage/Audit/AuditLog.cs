using System.Data;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Results;
using Npgsql;

namespace Generation.Storage.Audit;

/// <summary>An action of an operator.</summary>
/// <param name="Id">Its number, counted from 1 without gaps.</param>
/// <param name="At">When it was done.</param>
/// <param name="Actor">Who did it: a key, by its id and account, or the user who ran a command, with the machine.</param>
/// <param name="Action">What was done: account.create, key.revoke, worker.drain, ...</param>
/// <param name="Target">The object of the action.</param>
/// <param name="Detail">Details, as JSON.</param>
/// <param name="Hash">
/// HMAC-SHA256 over the entry before and this one, with the server's secret, in hexadecimal; SHA-256 in entries of version 0.2.0 and
/// before.
/// </param>
public sealed record AuditEntry(long Id, string At, string Actor, string Action, string Target, string Detail, string Hash);

/// <summary>The result of verifying the whole log.</summary>
/// <param name="Entries">The number of entries, from the oldest that is kept, that are as they were written.</param>
/// <param name="SealedTo">The newest entry that a seal outside the database confirms; null if there was no seal.</param>
/// <param name="Problem">What is wrong, in a sentence; null if nothing is.</param>
public sealed record AuditCheck(long Entries, long? SealedTo, string? Problem);

/// <summary>
/// The log of what operators did, as a chain of hashes with the server's secret. <see cref="VerifyAsync"/> finds an entry that was changed,
/// removed or inserted. It also finds an end that was cut off, by the seal that <see cref="SealAsync"/> stores in the results store and
/// that is written to the logs. What an operator is about to do is logged before it is done.
/// </summary>
public sealed class AuditLog(NpgsqlDataSource source, KeySecret secret, IResultsStore results, TimeProvider time)
{
    private const string ChainPurpose = "audit log";
    private const string BeginningPurpose = "audit beginning";
    private const string Columns = "id, at, actor, action, target, detail, hash";
    private static readonly byte[] Beginning = new byte[32];

    public async Task AppendAsync(string actor, string action, string target, object? detail, CancellationToken cancellationToken)
    {
        string text = JsonSerializer.Serialize(detail ?? new { }, WireJson.Options);
        (string secretId, byte[] key) = secret.KeysFor(ChainPurpose)[0];
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await TakeTurnAsync(connection, cancellationToken);
        (long id, byte[] previous) = await EndAsync(connection, cancellationToken);
        id++;
        string at = time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        await using (
            var insert = new NpgsqlCommand(
                "INSERT INTO audit_log (id, at, actor, action, target, detail, secret, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                connection
            )
        )
        {
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
            foreach (string field in new[] { at, actor, action, target, text, secretId })
            {
                insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = field });
            }

            insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = HashOf(key, previous, id, at, actor, action, target, text) });
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Lists the entries before one, the newest first.</summary>
    public async Task<IReadOnlyList<AuditEntry>> ListAsync(long? before, int limit, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"SELECT {Columns} FROM audit_log WHERE id < $1 ORDER BY id DESC LIMIT $2"
        );
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = before ?? long.MaxValue });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var entries = new List<AuditEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(Entry(reader));
        }

        return entries;
    }

    /// <summary>
    /// Verifies the chain, and looks for the entries that the seals name: the seal in the results store, and one that was kept elsewhere.
    /// </summary>
    /// <param name="kept">A seal from a log or a backup; null for none.</param>
    /// <param name="cancellationToken">Cancels the check.</param>
    public async Task<AuditCheck> VerifyAsync(AuditSeal? kept, CancellationToken cancellationToken)
    {
        // The seal before the log, which may grow meanwhile and is never shorter than it was
        AuditSeal?[] seals = [await SealInStoreAsync(cancellationToken), kept];
        if (seals.FirstOrDefault(seal => seal?.IsGenuine(secret) == false) is { } forged)
        {
            return new AuditCheck(
                0,
                null,
                $"The seal over entry {forged.Id} was not signed by this server, or with a secret that is gone."
            );
        }

        AuditSeal[] known = [.. seals.OfType<AuditSeal>()];
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        // Retention may move the beginning meanwhile: beginning and entries are of one moment
        await using NpgsqlTransaction moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        (long first, byte[] previous, bool keyed, string? problem) = await BeginningAsync(connection, cancellationToken);
        if (problem is not null)
        {
            return new AuditCheck(0, null, problem);
        }

        var keys = secret.KeysFor(ChainPurpose).ToDictionary(pair => pair.Id, pair => pair.Key);
        await using var command = new NpgsqlCommand($"SELECT {Columns}, secret FROM audit_log ORDER BY id", connection);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        long last = first;
        while (await reader.ReadAsync(cancellationToken))
        {
            AuditEntry e = Entry(reader);
            string? secretId = reader.IsDBNull(7) ? null : reader.GetString(7);
            byte[]? key = null;
            if (secretId is not null && !keys.TryGetValue(secretId, out key))
            {
                return Wrong($"Entry {e.Id} was chained under a secret that this server does not have (Keys:SecretFile).");
            }

            // Once one was chained with a key, none without follows
            bool isKeyed = key is not null;
            byte[] expected = HashOf(key, previous, e.Id, e.At, e.Actor, e.Action, e.Target, e.Detail);
            if (e.Id != last + 1 || (keyed && !isKeyed) || Convert.ToHexStringLower(expected) != e.Hash)
            {
                return Wrong($"Entry {last + 1} is missing or was changed; the {last - first} before it are as they were written.");
            }

            if (known.FirstOrDefault(seal => seal.Id == e.Id && seal.Hash != e.Hash) is not null)
            {
                return Wrong($"Entry {e.Id} is not the one that was sealed: the log was written anew.");
            }

            (last, previous, keyed) = (e.Id, expected, isKeyed);
        }

        return known.MaxBy(seal => seal.Id) is { } newest && newest.Id > last
            ? Wrong($"The log ends with entry {last}, and was sealed when it had entry {newest.Id}: its end was cut off.")
            : new AuditCheck(last - first, known.Length > 0 ? known.Max(seal => seal.Id) : null, null);

        AuditCheck Wrong(string what) => new(last - first, null, what);
    }

    /// <summary>
    /// Stores a seal of the present end of the log in the results store, unless the seal there shows that the log was cut or changed.
    /// </summary>
    /// <param name="replace">
    /// Whether the seal is replaced in any case, which is for operators who have restored the database from a backup.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The new seal, or null if there is none, and what is wrong, or null.</returns>
    /// <exception cref="ResultsStoreException">The store cannot be written to now.</exception>
    public async Task<(AuditSeal? Seal, string? Problem)> SealAsync(bool replace, CancellationToken cancellationToken)
    {
        AuditSeal? before = await SealInStoreAsync(cancellationToken);
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        (long id, byte[] hash) = await EndAsync(connection, cancellationToken);
        if (before is not null && !replace)
        {
            if (before.Id > id)
            {
                return (
                    null,
                    $"The audit log ends with entry {id}, and was sealed when it had entry {before.Id}: its end was cut off, or the "
                        + "database was set back. Run 'audit verify'."
                );
            }

            if (await HashAsync(connection, before.Id, cancellationToken) is { } now && now != before.Hash)
            {
                return (null, $"Entry {before.Id} of the audit log is not the one that was sealed. Run 'audit verify'.");
            }

            if (before.Id == id)
            {
                return (null, null);
            }
        }

        if (id == 0)
        {
            return (null, null);
        }

        var seal = AuditSeal.Of(id, Convert.ToHexStringLower(hash), secret);
        await results.WriteDocumentAsync(
            AuditSeal.Document,
            JsonSerializer.SerializeToUtf8Bytes(seal, WireJson.Options),
            replace: true,
            cancellationToken
        );
        return (seal, null);
    }

    /// <summary>
    /// Deletes entries made before a time, the oldest first, and returns how many. The rest is still a chain that can be verified.
    /// </summary>
    public async Task<int> ForgetAsync(DateTimeOffset madeBefore, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await TakeTurnAsync(connection, cancellationToken);
        string limit = madeBefore.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);
        (long Id, byte[] Hash, bool IsKeyed)? last = null;
        // Times are of one form, which sorts as text; the newest entry always stays, as the end that the next is chained to
        await using (
            var find = new NpgsqlCommand(
                """
                SELECT id, hash, secret IS NOT NULL FROM audit_log
                WHERE id < coalesce((SELECT min(id) FROM audit_log WHERE at >= $1), (SELECT max(id) FROM audit_log))
                ORDER BY id DESC LIMIT 1
                """,
                connection
            )
        )
        {
            find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = limit });
            await using NpgsqlDataReader reader = await find.ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                last = (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetBoolean(2));
            }
        }

        if (last is not { } end)
        {
            return 0;
        }

        (string secretId, byte[] key) = secret.KeysFor(BeginningPurpose)[0];
        await using var forget = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("SET LOCAL generation.audit_retention = 'on'"),
                new NpgsqlBatchCommand(
                    """
                    INSERT INTO audit_beginning (id, hash, secret, mac) VALUES ($1, $2, $3, $4)
                    ON CONFLICT (only_one) DO UPDATE SET id = $1, hash = $2, secret = $3, mac = $4
                    """
                )
                {
                    Parameters =
                    {
                        new NpgsqlParameter<long> { TypedValue = end.Id },
                        new NpgsqlParameter<byte[]> { TypedValue = end.Hash },
                        new NpgsqlParameter<string> { TypedValue = secretId },
                        new NpgsqlParameter<byte[]> { TypedValue = BeginningMac(key, end.Id, end.Hash, end.IsKeyed) },
                    },
                },
            },
        };
        await forget.ExecuteNonQueryAsync(cancellationToken);
        await using var delete = new NpgsqlCommand("DELETE FROM audit_log WHERE id <= $1", connection);
        delete.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end.Id });
        int forgotten = await delete.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return forgotten;
    }

    private async Task<AuditSeal?> SealInStoreAsync(CancellationToken cancellationToken)
    {
        if (await results.ReadDocumentAsync(AuditSeal.Document, cancellationToken) is not { } document)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<AuditSeal>(document, WireJson.Options);
        }
        catch (JsonException)
        {
            // Not ours: what cannot be read is signed by nobody
            return new AuditSeal(0, "", "", "");
        }
    }

    /// <summary>Allows one writer at a time, because each needs the hash of the entry before.</summary>
    private static async Task TakeTurnAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var wait = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended('audit_log', 0))", connection);
        await wait.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The newest entry's id and hash; 0 and zeros if there is none.</summary>
    private static async Task<(long Id, byte[] Hash)> EndAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var last = new NpgsqlCommand("SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1", connection);
        await using NpgsqlDataReader reader = await last.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1)) : (0, Beginning);
    }

    private static async Task<string?> HashAsync(NpgsqlConnection connection, long id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT hash FROM audit_log WHERE id = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        return await command.ExecuteScalarAsync(cancellationToken) is byte[] hash ? Convert.ToHexStringLower(hash) : null;
    }

    /// <summary>
    /// The last entry that retention let go, its hash, which the first that is kept is chained to, and whether it was chained with a key.
    /// </summary>
    private async Task<(long Id, byte[] Hash, bool IsKeyed, string? Problem)> BeginningAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand("SELECT id, hash, secret, mac FROM audit_beginning", connection);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return (0, Beginning, false, null);
        }

        (long id, byte[] hash, string secretId) = (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), reader.GetString(2));
        byte[] mac = reader.GetFieldValue<byte[]>(3);
        if (secret.KeysFor(BeginningPurpose).FirstOrDefault(known => known.Id == secretId).Key is { } key)
        {
            foreach (bool isKeyed in new[] { true, false })
            {
                if (CryptographicOperations.FixedTimeEquals(BeginningMac(key, id, hash, isKeyed), mac))
                {
                    return (id, hash, isKeyed, null);
                }
            }
        }

        return (id, hash, true, $"That retention let go the entries up to {id} was not written by this server.");
    }

    /// <summary>Says also whether the entry was one of version 0.2.0 and before, which others without a key may follow.</summary>
    private static byte[] BeginningMac(byte[] key, long id, byte[] hash, bool isKeyed) =>
        isKeyed ? HashOf(key, hash, id) : HashOf(key, hash, id, "without a key");

    private static AuditEntry Entry(NpgsqlDataReader r) =>
        new(
            r.GetInt64(0),
            r.GetString(1),
            r.GetString(2),
            r.GetString(3),
            r.GetString(4),
            r.GetString(5),
            Convert.ToHexStringLower(r.GetFieldValue<byte[]>(6))
        );

    /// <summary>The hash of fields with their lengths, so that no two entries give the same bytes.</summary>
    private static byte[] HashOf(byte[]? key, byte[] previous, long id, params ReadOnlySpan<string> fields)
    {
        using IncrementalHash hash = key is null
            ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256)
            : IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(previous);
        hash.AppendData(BitConverter.GetBytes(id));
        foreach (string field in fields)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(field);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }

        return hash.GetHashAndReset();
    }
}
