using System.Data;
using System.Formats.Tar;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Database;
using Generation.Storage.Files;
using Generation.Storage.Results;
using Npgsql;

namespace Generation.Storage.Backup;

/// <summary>
/// Writes a backup while jobs run: the database as of one moment, the files of the results store that it then refers to, and other files.
/// Nothing is swept from the store meanwhile. The file appears when it is complete. Only its owner may read it, because it contains
/// secrets.
/// </summary>
public sealed class BackupWriter(NpgsqlDataSource source, Migrator migrator, IResultsStore results, TimeProvider time)
{
    internal const string ManifestEntry = "manifest.json";
    internal const string TablesFolder = "tables/";
    internal const string ResultsFolder = "results/";
    internal const string FilesFolder = "files/";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const string NamedSql = """
        SELECT sha256 FROM job_outputs
        UNION SELECT thumbnail FROM job_outputs WHERE thumbnail IS NOT NULL
        UNION SELECT sha256 FROM uploads
        UNION SELECT checkpoint ->> 'sha256' FROM jobs WHERE checkpoint IS NOT NULL
        UNION SELECT file #>> '{}' FROM jobs, jsonb_path_query(request, 'strict $.**.sha256') AS file
            WHERE kind <> 0 AND (state IN (job_state('queued'), job_state('running'))
                OR (state = job_state('succeeded') AND outputs_deleted_at IS NULL))
        """;

    /// <summary>Writes the backup.</summary>
    /// <param name="path">The file; an existing one is replaced when the new one is complete.</param>
    /// <param name="withResults">Whether the files of the results store are included; a bucket may have a backup of its own.</param>
    /// <param name="files">Other files, by their names in the backup.</param>
    /// <param name="cancellationToken">Cancels the backup; nothing is left of it then.</param>
    /// <exception cref="BackupException">The database is not of this version.</exception>
    public async Task<BackupManifest> WriteAsync(
        string path,
        bool withResults,
        IReadOnlyDictionary<string, string> files,
        CancellationToken cancellationToken
    )
    {
        if ((await migrator.PendingAsync(cancellationToken)).Count > 0)
        {
            throw new BackupException("The database is of an earlier version than this program: run 'migrate' first, or use that version.");
        }

        string full = Path.GetFullPath(path);
        string partial = $"{full}.{Guid.NewGuid():N}.partial";
        await using NpgsqlConnection sweeps = await source.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(sweeps, "SELECT pg_advisory_lock(hashtextextended('sweep', 0))", cancellationToken);
        try
        {
            BackupManifest manifest;
            await using (FileStream file = Create(partial))
            {
                await using (var tar = new TarWriter(file, TarEntryFormat.Pax, leaveOpen: true))
                {
                    manifest = await WriteAsync(tar, partial, withResults, files, cancellationToken);
                }

                file.Flush(flushToDisk: true);
            }

            File.Move(partial, full, overwrite: true);
            DurableFolder.Flush(Path.GetDirectoryName(full)!);
            return manifest;
        }
        finally
        {
            File.Delete(partial);
            await ExecuteAsync(sweeps, "SELECT pg_advisory_unlock(hashtextextended('sweep', 0))", CancellationToken.None);
        }
    }

    private async Task<BackupManifest> WriteAsync(
        TarWriter tar,
        string partial,
        bool withResults,
        IReadOnlyDictionary<string, string> files,
        CancellationToken cancellationToken
    )
    {
        var tables = new List<BackupTable>();
        var named = new List<string>();
        DateTimeOffset at;
        Dictionary<string, long> sequences;
        await using (NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken))
        {
            // One snapshot for all that is read
            await using NpgsqlTransaction moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            at = time.GetUtcNow();
            foreach ((string name, string[] columns) in await DatabaseCopy.TablesAsync(connection, cancellationToken))
            {
                await using FileStream rows = Create($"{partial}.rows", FileOptions.DeleteOnClose);
                tables.Add(await DatabaseCopy.ReadAsync(connection, name, columns, rows, cancellationToken));
                rows.Position = 0;
                await AddAsync(tar, TablesFolder + name, rows, cancellationToken);
            }

            // After the rows: a number that was given out since is skipped, and none is given out twice
            sequences = await DatabaseCopy.SequencesAsync(connection, cancellationToken);
            if (withResults)
            {
                await using var command = new NpgsqlCommand(NamedSql, connection) { CommandTimeout = 0 };
                await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
                while (await reader.ReadAsync(cancellationToken))
                {
                    named.Add(reader.GetString(0));
                }
            }
        }

        var missing = new List<string>();
        foreach (string sha256 in named)
        {
            if (!await AddResultAsync(tar, sha256, partial, cancellationToken))
            {
                missing.Add(sha256);
            }
        }

        foreach ((string name, string file) in files)
        {
            await using FileStream content = File.OpenRead(file);
            await AddAsync(tar, FilesFolder + name, content, cancellationToken);
        }

        var manifest = new BackupManifest(
            BackupManifest.CurrentFormat,
            at,
            Migrator.Newest(),
            tables,
            sequences,
            named.Count - missing.Count,
            missing,
            [.. files.Keys]
        );
        using var last = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(manifest, WireJson.Options));
        await AddAsync(tar, ManifestEntry, last, cancellationToken);
        return manifest;
    }

    /// <summary>
    /// Adds a file of the store. False if the store does not have it, for example a checkpoint that its worker has replaced since.
    /// </summary>
    private async Task<bool> AddResultAsync(TarWriter tar, string sha256, string partial, CancellationToken cancellationToken)
    {
        await using Stream? stored = await results.OpenAsync(sha256, cancellationToken);
        if (stored is null)
        {
            return false;
        }

        if (stored.CanSeek)
        {
            await AddAsync(tar, ResultsFolder + sha256, stored, cancellationToken);
            return true;
        }

        // An entry begins with its length, which a bucket's stream does not say
        await using FileStream copy = Create($"{partial}.result", FileOptions.DeleteOnClose);
        await stored.CopyToAsync(copy, cancellationToken);
        copy.Position = 0;
        await AddAsync(tar, ResultsFolder + sha256, copy, cancellationToken);
        return true;
    }

    private static async Task AddAsync(TarWriter tar, string name, Stream content, CancellationToken cancellationToken) =>
        await tar.WriteEntryAsync(
            new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = content, Mode = OwnerOnly },
            cancellationToken
        );

    private static FileStream Create(string path, FileOptions options = FileOptions.None) =>
        new(
            path,
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Options = options | FileOptions.Asynchronous,
                UnixCreateMode = OperatingSystem.IsWindows() ? null : OwnerOnly,
            }
        );

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // A sweep that is under way is waited for, however long it takes
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
