using Npgsql;

namespace Generation.Storage.Uploads;

/// <summary>A picture that a caller has uploaded, which is kept in the results store for a while.</summary>
public sealed record Upload(
    Guid Id,
    Guid AccountId,
    string Sha256,
    string ContentType,
    long Bytes,
    int Width,
    int Height,
    DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt
);

/// <summary>Uploaded pictures. Their bytes are in the results store; the rows say whose they are and until when they are kept.</summary>
public sealed class UploadStore(NpgsqlDataSource source)
{
    /// <summary>How long an upload can be used.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);

    private const string Columns = "id, account_id, sha256, content_type, bytes, width, height, created_at, expires_at";

    /// <summary>Records a picture that lies in the results store as an upload of an account.</summary>
    public async Task<Upload> AddAsync(
        Guid accountId,
        string sha256,
        string contentType,
        long bytes,
        int width,
        int height,
        CancellationToken cancellationToken
    ) => (await AddAsync(Guid.CreateVersion7(), accountId, sha256, contentType, bytes, width, height, cancellationToken))!;

    /// <summary>
    /// As above, under an id that was given out before. The same file again is the same upload; null if there is another of this id.
    /// </summary>
    public async Task<Upload?> AddAsync(
        Guid id,
        Guid accountId,
        string sha256,
        string contentType,
        long bytes,
        int width,
        int height,
        CancellationToken cancellationToken
    )
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            INSERT INTO uploads (id, account_id, sha256, content_type, bytes, width, height, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8)
            ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
                WHERE uploads.account_id = excluded.account_id AND uploads.sha256 = excluded.sha256
            RETURNING {Columns}
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sha256 });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = contentType });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = bytes });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = width });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = height });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = KeptFor });
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Finds an upload that has not expired, or null. With <paramref name="accountId"/> only if it is that account's.</summary>
    public async Task<Upload?> FindAsync(Guid id, Guid? accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"SELECT {Columns} FROM uploads WHERE id = $1 AND ($2 IS NULL OR account_id = $2) AND expires_at > now()"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(
            new NpgsqlParameter { Value = (object?)accountId ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid }
        );
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>
    /// An account's uploads that have not expired, the newest first; where <paramref name="before"/> is given, those made before that one.
    /// </summary>
    public async Task<IReadOnlyList<Upload>> ListAsync(Guid accountId, Guid? before, int limit, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            $"""
            SELECT {Columns} FROM uploads WHERE account_id = $1 AND ($2 IS NULL OR id < $2) AND expires_at > now()
            ORDER BY id DESC LIMIT $3
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        command.Parameters.Add(
            new NpgsqlParameter { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid }
        );
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        var uploads = new List<Upload>();
        while (await reader.ReadAsync(cancellationToken))
        {
            uploads.Add(Read(reader));
        }

        return uploads;
    }

    /// <summary>Ends an upload before its time; false if the account has none of this id.</summary>
    public async Task<bool> ExpireAsync(Guid id, Guid accountId, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            "UPDATE uploads SET expires_at = now() WHERE id = $1 AND account_id = $2 AND expires_at > now()"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = accountId });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>
    /// Deletes uploads that expired more than an hour ago, so that none is deleted between being looked up and becoming a job's; their
    /// files are deleted by the sweep of orphans.
    /// </summary>
    public async Task ForgetExpiredAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(
            """
            WITH gone AS (DELETE FROM uploads WHERE expires_at < now() - interval '1 hour' RETURNING sha256)
            INSERT INTO released_files (sha256) SELECT DISTINCT sha256 FROM gone ON CONFLICT DO NOTHING
            """
        );
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<Upload?> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Read(reader) : null;
    }

    private static Upload Read(NpgsqlDataReader reader) =>
        new(
            reader.GetGuid(0),
            reader.GetGuid(1),
            reader.GetString(2),
            reader.GetString(3),
            reader.GetInt64(4),
            reader.GetInt32(5),
            reader.GetInt32(6),
            reader.GetFieldValue<DateTimeOffset>(7),
            reader.GetFieldValue<DateTimeOffset>(8)
        );
}
