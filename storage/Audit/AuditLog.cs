using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Generation.Contracts;
using Npgsql;

namespace Generation.Storage.Audit;

/// <summary>An operator's act.</summary>
/// <param name="Id">Counts from 1 without a gap.</param>
/// <param name="At">When.</param>
/// <param name="Actor">Whose key, by its id and account.</param>
/// <param name="Action">What: account.create, key.revoke, worker.drain, ...</param>
/// <param name="Target">To what.</param>
/// <param name="Detail">How, as JSON.</param>
/// <param name="Hash">SHA-256 over the entry before and this one, in hexadecimal.</param>
public sealed record AuditEntry(long Id, string At, string Actor, string Action, string Target, string Detail, string Hash);

/// <summary>
/// What operators did, as a chain of hashes: an entry that is changed, removed or put in between is found by
/// <see cref="VerifyAsync"/>. An act is entered before it is done.
/// </summary>
public sealed class AuditLog(NpgsqlDataSource source, TimeProvider time)
{
    private static readonly byte[] Beginning = new byte[32];

    public async Task AppendAsync(string actor, string action, string target, object? detail, CancellationToken cancellationToken)
    {
        string text = JsonSerializer.Serialize(detail ?? new { }, WireJson.Options);
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        // One at a time: each needs the hash before it
        await using (
            var wait = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended('audit_log', 0))", connection, transaction)
        )
        {
            await wait.ExecuteNonQueryAsync(cancellationToken);
        }

        long id = 1;
        byte[] previous = Beginning;
        await using (var last = new NpgsqlCommand("SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1", connection, transaction))
        {
            await using NpgsqlDataReader reader = await last.ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                id = reader.GetInt64(0) + 1;
                previous = reader.GetFieldValue<byte[]>(1);
            }
        }

        string at = time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        await using (
            var insert = new NpgsqlCommand(
                "INSERT INTO audit_log (id, at, actor, action, target, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                connection,
                transaction
            )
        )
        {
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
            foreach (string field in new[] { at, actor, action, target, text })
            {
                insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = field });
            }

            insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = HashOf(previous, id, at, actor, action, target, text) });
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Entries before one, the newest first.</summary>
    public async Task<IReadOnlyList<AuditEntry>> ListAsync(long? before, int limit, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "SELECT id, at, actor, action, target, detail, hash FROM audit_log WHERE id < $1 ORDER BY id DESC LIMIT $2"
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

    /// <summary>Goes through the chain; how many entries it has, and the id of the first that is wrong or missing.</summary>
    public async Task<(long Entries, long? FirstWrong)> VerifyAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "SELECT id, at, actor, action, target, detail, hash FROM audit_log ORDER BY id"
        );
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        byte[] previous = Beginning;
        long count = 0;
        while (await reader.ReadAsync(cancellationToken))
        {
            AuditEntry e = Entry(reader);
            byte[] expected = HashOf(previous, e.Id, e.At, e.Actor, e.Action, e.Target, e.Detail);
            if (e.Id != count + 1 || Convert.ToHexStringLower(expected) != e.Hash)
            {
                return (count, count + 1);
            }

            previous = expected;
            count++;
        }

        return (count, null);
    }

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

    /// <summary>Over fields with their lengths: no two entries give the same bytes.</summary>
    private static byte[] HashOf(byte[] previous, long id, params ReadOnlySpan<string> fields)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
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
