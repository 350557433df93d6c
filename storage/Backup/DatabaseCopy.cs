using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Npgsql;

namespace Generation.Storage.Backup;

/// <summary>
/// Copies the database's tables in PostgreSQL's own binary format. They are read as of one moment and written in one transaction.
/// </summary>
[SuppressMessage("Security", "CA2100", Justification = "Names of tables come from the catalogue, quoted by it.")]
internal static class DatabaseCopy
{
    private const string History = "__EFMigrationsHistory";

    /// <summary>The tables, except EF Core's own, each after those that it refers to, with their columns, except computed ones.</summary>
    public static async Task<List<(string Name, string[] Columns)>> TablesAsync(
        NpgsqlConnection connection,
        CancellationToken cancellationToken
    )
    {
        var columns = new Dictionary<string, string[]>(StringComparer.Ordinal);
        await using (
            var command = new NpgsqlCommand(
                """
                SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> $1
                GROUP BY c.relname ORDER BY c.relname
                """,
                connection
            )
        )
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = History });
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                columns[reader.GetString(0)] = reader.GetFieldValue<string[]>(1);
            }
        }

        var refers = new List<(string From, string To)>();
        await using (
            var command = new NpgsqlCommand(
                """
                SELECT r.conrelid::regclass::text, r.confrelid::regclass::text FROM pg_constraint r
                WHERE r.contype = 'f' AND r.connamespace = 'public'::regnamespace AND r.conrelid <> r.confrelid
                """,
                connection
            )
        )
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                refers.Add((reader.GetString(0), reader.GetString(1)));
            }
        }

        var ordered = new List<(string, string[])>();
        var left = new List<string>(columns.Keys);
        while (left.Count > 0)
        {
            string next = left.Find(table => !refers.Exists(r => r.From == table && left.Contains(r.To)))
                ?? throw new BackupException("The database's tables refer to each other in a circle; this version cannot copy them.");
            ordered.Add((next, columns[next]));
            left.Remove(next);
        }

        return ordered;
    }

    /// <summary>Writes a table's rows to a stream.</summary>
    public static async Task<BackupTable> ReadAsync(
        NpgsqlConnection connection,
        string table,
        string[] columns,
        Stream target,
        CancellationToken cancellationToken
    )
    {
        long rows;
        await using (var count = new NpgsqlCommand($"SELECT count(*) FROM {Quoted(table)}", connection) { CommandTimeout = 0 })
        {
            rows = (long)(await count.ExecuteScalarAsync(cancellationToken))!;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using NpgsqlRawCopyStream copy = await connection.BeginRawBinaryCopyAsync(
            $"COPY {Quoted(table)} ({string.Join(", ", columns.Select(Quoted))}) TO STDOUT (FORMAT binary)",
            cancellationToken
        );
        byte[] buffer = new byte[1 << 16];
        int read;
        while ((read = await copy.ReadAsync(buffer, cancellationToken)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        return new BackupTable(table, columns, rows, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>Replaces the rows that the migrations put into a table.</summary>
    public static async Task WriteAsync(NpgsqlConnection connection, BackupTable table, Stream rows, CancellationToken cancellationToken)
    {
        await using (var any = new NpgsqlCommand($"SELECT EXISTS (SELECT 1 FROM {Quoted(table.Name)})", connection))
        {
            if (await any.ExecuteScalarAsync(cancellationToken) is true)
            {
                await using var clear = new NpgsqlCommand($"DELETE FROM {Quoted(table.Name)}", connection) { CommandTimeout = 0 };
                await clear.ExecuteNonQueryAsync(cancellationToken);
            }
        }

        await using NpgsqlRawCopyStream copy = await connection.BeginRawBinaryCopyAsync(
            $"COPY {Quoted(table.Name)} ({string.Join(", ", table.Columns.Select(Quoted))}) FROM STDIN (FORMAT binary)",
            cancellationToken
        );
        await rows.CopyToAsync(copy, cancellationToken);
    }

    /// <summary>The values of the sequences.</summary>
    public static async Task<Dictionary<string, long>> SequencesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL",
            connection
        );
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var values = new Dictionary<string, long>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            values[reader.GetString(0)] = reader.GetInt64(1);
        }

        return values;
    }

    public static async Task SetSequenceAsync(NpgsqlConnection connection, string name, long value, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT setval(quote_ident($1)::regclass, $2)", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = value });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
