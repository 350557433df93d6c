using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using Generation.Contracts;
using Generation.Storage.Database;
using Generation.Storage.Results;
using Npgsql;

namespace Generation.Storage.Backup;

/// <summary>Restores a backup into an empty database and results store. All of it is checked before anything is changed.</summary>
public sealed class BackupReader(NpgsqlDataSource source, Migrator migrator, IResultsStore results, ResultsOwnership ownership)
{
    /// <summary>The largest manifest, in bytes; a larger one is refused.</summary>
    private const long MaxManifestBytes = 64 << 20;

    /// <summary>Reads through the whole backup.</summary>
    /// <exception cref="BackupException">It is incomplete, or has another format.</exception>
    public static async Task<BackupManifest> CheckAsync(string path, CancellationToken cancellationToken)
    {
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        BackupManifest? manifest = null;
        try
        {
            await ReadAsync(
                path,
                async (name, content) =>
                {
                    if (name == BackupWriter.ManifestEntry && content.Length <= MaxManifestBytes)
                    {
                        manifest = await JsonSerializer.DeserializeAsync<BackupManifest>(content, WireJson.Options, cancellationToken);
                    }
                    else
                    {
                        hashes[name] = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));
                    }
                },
                cancellationToken
            );
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or JsonException or FormatException)
        {
            throw new BackupException($"{path} is no backup, or is damaged: {e.Message}", e);
        }

        if (manifest is null)
        {
            throw new BackupException($"{path} is not whole: its end is missing. Take another backup.");
        }

        if (manifest.Format != BackupManifest.CurrentFormat)
        {
            throw new BackupException($"{path} has format {manifest.Format}, and this version reads {BackupManifest.CurrentFormat}.");
        }

        string? damaged = manifest
            .Tables.FirstOrDefault(t => hashes.GetValueOrDefault(BackupWriter.TablesFolder + t.Name) != t.Sha256)
            ?.Name
            ?? hashes
                .Where(entry => entry.Key.StartsWith(BackupWriter.ResultsFolder, StringComparison.Ordinal))
                .FirstOrDefault(entry => entry.Key[BackupWriter.ResultsFolder.Length..] != entry.Value)
                .Key
            ?? manifest.Files.FirstOrDefault(file => !hashes.ContainsKey(BackupWriter.FilesFolder + file));
        return damaged is null
            ? manifest
            : throw new BackupException($"{path} is damaged: {damaged} is not as it was written. Take another backup.");
    }

    /// <summary>Restores a backup.</summary>
    /// <param name="path">The file.</param>
    /// <param name="replace">Whether the contents of the database are deleted first; otherwise the database must be empty.</param>
    /// <param name="adopt">Whether this database becomes the owner of a results store that belongs to another.</param>
    /// <param name="writeFile">Receives each of the other files, with its name.</param>
    /// <param name="cancellationToken">Cancels the restore. The database is then empty.</param>
    /// <exception cref="BackupException">It cannot be restored here; nothing was changed.</exception>
    public async Task<BackupManifest> RestoreAsync(
        string path,
        bool replace,
        bool adopt,
        Func<string, Stream, Task> writeFile,
        CancellationToken cancellationToken
    )
    {
        BackupManifest manifest = await CheckAsync(path, cancellationToken);
        await CheckTargetAsync(path, manifest, replace, adopt, cancellationToken);
        await ClearAsync(cancellationToken);
        await migrator.MigrateAsync(cancellationToken);
        await using (NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken))
        {
            await using NpgsqlTransaction all = await connection.BeginTransactionAsync(cancellationToken);
            var tables = manifest.Tables.ToDictionary(table => BackupWriter.TablesFolder + table.Name);
            await ReadAsync(
                path,
                (name, content) =>
                    tables.TryGetValue(name, out BackupTable? table)
                        ? DatabaseCopy.WriteAsync(connection, table, content, cancellationToken)
                        : Task.CompletedTask,
                cancellationToken
            );
            foreach ((string sequence, long value) in manifest.Sequences)
            {
                await DatabaseCopy.SetSequenceAsync(connection, sequence, value, cancellationToken);
            }

            await all.CommitAsync(cancellationToken);
        }

        // Statements that were prepared for the tables before
        source.Clear();
        await ownership.AdoptAsync(cancellationToken);
        await ReadAsync(
            path,
            async (name, content) =>
            {
                if (name.StartsWith(BackupWriter.ResultsFolder, StringComparison.Ordinal))
                {
                    await results.PutAsync(content, "application/octet-stream", cancellationToken);
                }
                else if (name.StartsWith(BackupWriter.FilesFolder, StringComparison.Ordinal))
                {
                    await writeFile(name[BackupWriter.FilesFolder.Length..], content);
                }
            },
            cancellationToken
        );
        return manifest;
    }

    /// <summary>Checks that a backup can be restored here.</summary>
    /// <exception cref="BackupException">
    /// The backup is of another version, the database is in use, or the store belongs to another database.
    /// </exception>
    public async Task CheckTargetAsync(string path, BackupManifest manifest, bool replace, bool adopt, CancellationToken cancellationToken)
    {
        if (manifest.Migration != Migrator.Newest())
        {
            throw new BackupException(
                $"{path} was made by another version: its database is at {manifest.Migration}, and this version's at {Migrator.Newest()}. "
                    + "Restore it with the version that made it, and run 'migrate' with this one then."
            );
        }

        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using var table = new NpgsqlCommand("SELECT to_regclass('jobs') IS NOT NULL", connection);
        if (await table.ExecuteScalarAsync(cancellationToken) is not true)
        {
            await CheckUnmarkedStoreAsync(adopt, cancellationToken);
            return;
        }

        await using var used = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM jobs) OR (SELECT count(*) > 1 FROM accounts)", connection);
        if (!replace && await used.ExecuteScalarAsync(cancellationToken) is true)
        {
            throw new BackupException(
                "The database has jobs or accounts. With --replace they are deleted, and the backup takes their place."
            );
        }

        await using var marked = new NpgsqlCommand("SELECT to_regclass('results_store') IS NOT NULL", connection);
        if (await marked.ExecuteScalarAsync(cancellationToken) is not true)
        {
            await CheckUnmarkedStoreAsync(adopt, cancellationToken);
        }
        else if (!adopt && await ownership.LookAsync(cancellationToken) is (StoreOwner.Another or StoreOwner.Contested))
        {
            throw OfAnother();
        }
    }

    /// <summary>Checks the store of a database that has not marked any store yet: a mark in it belongs to another database.</summary>
    private async Task CheckUnmarkedStoreAsync(bool adopt, CancellationToken cancellationToken)
    {
        if (!adopt && await results.ReadDocumentAsync(StoreMark.Document, cancellationToken) is not null)
        {
            throw OfAnother();
        }
    }

    private static BackupException OfAnother() =>
        new(
            "The results store belongs to another database. If that one is out of use, restore with --adopt: the store becomes this "
                + "database's; else let Results name another store."
        );

    /// <summary>Makes the database empty; the migrations then create it anew.</summary>
    private async Task ClearAsync(CancellationToken cancellationToken)
    {
        await using (NpgsqlCommand clear = source.CreateCommand("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
        {
            await clear.ExecuteNonQueryAsync(cancellationToken);
        }

        source.Clear();
    }

    private static async Task ReadAsync(string path, Func<string, Stream, Task> take, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        await using var tar = new TarReader(file);
        while (await tar.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile)
            {
                await take(entry.Name, entry.DataStream ?? Stream.Null);
            }
        }
    }
}
