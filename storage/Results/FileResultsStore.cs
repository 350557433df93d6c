using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Generation.Storage.Files;

namespace Generation.Storage.Results;

/// <summary>
/// Stores outputs as files: ab/cd/abcd... in one folder. A file is written under a temporary name, flushed to the disk and renamed, and the
/// folder is flushed, so that after a power cut it is complete or absent.
/// </summary>
public sealed class FileResultsStore : IResultsStore
{
    private const string IncomingFolder = "incoming";

    /// <summary>Bytes that are written to find out whether the store can be written to.</summary>
    private static readonly byte[] Probe = new byte[4096];

    private readonly string _root;
    private readonly string _incoming;
    private volatile bool _made;

    /// <summary>Makes a store in the folder <paramref name="root"/>, which is made at the first use if it does not exist.</summary>
    public FileResultsStore(string root)
    {
        _root = Path.GetFullPath(root);
        _incoming = Path.Combine(_root, IncomingFolder);
    }

    public async Task<string> PutAsync(ReadOnlyMemory<byte> content, string contentType, CancellationToken cancellationToken)
    {
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(content.Span));
        string place = PlaceOf(sha256);
        if (new FileInfo(place) is { Exists: true } present && present.Length == content.Length && Touch(place))
        {
            return sha256;
        }

        await WriteAsync(async temporary =>
        {
            await using (FileStream file = Create(temporary))
            {
                await file.WriteAsync(content, cancellationToken);
                file.Flush(flushToDisk: true);
            }

            MoveIntoPlace(temporary, place);
        });
        return sha256;
    }

    public async Task<string> PutAsync(Stream content, string contentType, CancellationToken cancellationToken)
    {
        string sha256 = "";
        await WriteAsync(async temporary =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            await using (FileStream file = Create(temporary))
            {
                byte[] buffer = new byte[1 << 16];
                int read;
                while ((read = await content.ReadAsync(buffer, cancellationToken)) > 0)
                {
                    hash.AppendData(buffer, 0, read);
                    await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                }

                file.Flush(flushToDisk: true);
            }

            sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
            MoveIntoPlace(temporary, PlaceOf(sha256));
        });
        return sha256;
    }

    public Task<Stream?> OpenAsync(string sha256, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult<Stream?>(
                new FileStream(
                    PlaceOf(sha256),
                    new FileStreamOptions
                    {
                        Mode = FileMode.Open,
                        Access = FileAccess.Read,
                        Share = FileShare.Read | FileShare.Delete,
                        Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                    }
                )
            );
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Task.FromResult<Stream?>(null);
        }
    }

    public Uri? UrlOf(string sha256, string contentType, string fileName, DateTimeOffset expiresAt) => null;

    public Task<bool> DeleteAsync(string sha256, CancellationToken cancellationToken)
    {
        string place = PlaceOf(sha256);
        bool present = File.Exists(place);
        if (present)
        {
            File.Delete(place);
        }

        return Task.FromResult(present);
    }

    public Task<bool> DeleteOldAsync(string sha256, DateTimeOffset putBefore, CancellationToken cancellationToken)
    {
        string place = PlaceOf(sha256);
        // Under its name, by which it finds back should this process die before the end
        string aside = Path.Combine(_incoming, $"{sha256}-{Guid.NewGuid():N}");
        try
        {
            // Out of the way first: whoever puts these bytes from here on writes them anew, and whoever has just put them is seen below
            // Overwriting is one rename; without it, .NET makes a link (or a copy) and deletes
            File.Move(place, aside, overwrite: true);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Task.FromResult(false);
        }

        if (File.GetLastWriteTimeUtc(aside) >= putBefore.UtcDateTime)
        {
            PutBack(aside, place);
            return Task.FromResult(false);
        }

        File.Delete(aside);
        return Task.FromResult(true);
    }

    public Task RecoverAsync(DateTimeOffset begunBefore, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(_incoming))
        {
            return Task.CompletedTask;
        }

        foreach (string left in Directory.EnumerateFiles(_incoming))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Path.GetFileName(left).Split('-')[0] is var name && IsSha256(name))
            {
                PutBack(left, PlaceOf(name));
            }
            else if (File.GetLastWriteTimeUtc(left) < begunBefore.UtcDateTime)
            {
                Remove(left);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Moves a file back with its old time, and never over a file that was put there since.</summary>
    private static void PutBack(string aside, string place)
    {
        try
        {
            File.Move(aside, place);
        }
        catch (IOException) when (File.Exists(place))
        {
            // The same bytes
            Remove(aside);
        }
        catch (FileNotFoundException)
        {
            // Another has put it back
        }
    }

    public async IAsyncEnumerable<StoredFile> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        if (!Directory.Exists(_root))
        {
            yield break;
        }

        foreach (FileInfo file in new DirectoryInfo(_root).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (IsSha256(file.Name))
            {
                yield return new StoredFile(file.Name, file.Length, new DateTimeOffset(file.LastWriteTimeUtc));
            }
        }
    }

    public async Task<byte[]?> ReadDocumentAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllBytesAsync(DocumentOf(name), cancellationToken);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ResultsStoreException($"Nothing can be read in the results folder {_root}: {e.Message} {WhatToDo(e)}", e);
        }
    }

    public async Task<bool> WriteDocumentAsync(string name, ReadOnlyMemory<byte> content, bool replace, CancellationToken cancellationToken)
    {
        string place = DocumentOf(name);
        bool written = true;
        await WriteAsync(async temporary =>
        {
            await using (FileStream file = Create(temporary))
            {
                await file.WriteAsync(content, cancellationToken);
                file.Flush(flushToDisk: true);
            }

            try
            {
                File.Move(temporary, place, replace);
            }
            catch (IOException) when (!replace && File.Exists(place))
            {
                Remove(temporary);
                written = false;
            }

            DurableFolder.Flush(_root);
        });
        return written;
    }

    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await WriteAsync(async probe =>
        {
            await using (FileStream file = Create(probe))
            {
                await file.WriteAsync(Probe, cancellationToken);
            }

            File.Delete(probe);
        });
    }

    /// <summary>Writes with a temporary file, which is deleted if that fails.</summary>
    private async Task WriteAsync(Func<string, Task> write)
    {
        string temporary = NewTemporary();
        try
        {
            // Once it was there, a folder that is gone is a disk that is not mounted: nothing is to be put in its place
            if (!_made || Directory.Exists(_root))
            {
                Directory.CreateDirectory(_incoming);
                _made = true;
            }

            await write(temporary);
        }
        catch (Exception e)
        {
            Remove(temporary);
            // Out of range is .NET's word for a file that is too large (EFBIG)
            if (e is ResultsStoreException or not (IOException or UnauthorizedAccessException or ArgumentOutOfRangeException))
            {
                throw;
            }

            throw new ResultsStoreException($"Nothing can be written to the results folder {_root}: {e.Message} {WhatToDo(e)}", e);
        }
    }

    private static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder is gone, and with it the file; or what is left there another process may clear away
        }
    }

    /// <summary>Advice by the system's error number, where that says more than the message.</summary>
    private string WhatToDo(Exception e) =>
        (e, e.HResult) switch
        {
            (UnauthorizedAccessException, _) => $"Let the user {Environment.UserName} write there, or set Results:Path.",
            // ENOSPC, EDQUOT
            (ArgumentOutOfRangeException, _) or (IOException, 28 or 122) => "Make room there, or set Results:Path to where there is some.",
            _ => $"See that {_root} is a folder on a disk that is mounted and writable, or set Results:Path.",
        };

    internal static bool IsSha256(string name) => name.Length == 64 && name.All(char.IsAsciiHexDigitLower);

    /// <summary>The file or key of a document, below the store's folder or prefix.</summary>
    internal static string DocumentName(string name) =>
        name.Length is > 0 and < 64 && name.All(c => char.IsAsciiLetterLower(c) || c == '-')
            ? name + ".json"
            : throw new ArgumentException($"'{name}' is not a name of lowercase letters and hyphens.", nameof(name));

    /// <summary>
    /// Sets a file's time to now, by which the sweep of orphans decides; false if the sweep was faster. The system finds a file by its name
    /// first and sets its time after, and the sweep may take it away in between: only a file that still has its name is known to have the
    /// new time.
    /// </summary>
    private static bool Touch(string place)
    {
        try
        {
            File.SetLastWriteTimeUtc(place, DateTime.UtcNow);
            return File.Exists(place);
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    private string NewTemporary() => Path.Combine(_incoming, Guid.NewGuid().ToString("N"));

    private string DocumentOf(string name) => Path.Combine(_root, DocumentName(name));

    private string PlaceOf(string sha256)
    {
        if (!IsSha256(sha256))
        {
            throw new ArgumentException($"'{sha256}' is not a SHA-256.", nameof(sha256));
        }

        return Path.Combine(_root, sha256[..2], sha256[2..4], sha256);
    }

    private static FileStream Create(string path) =>
        new(
            path,
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.None,
                Options = FileOptions.Asynchronous,
            }
        );

    private void MoveIntoPlace(string temporary, string place)
    {
        string folder = Path.GetDirectoryName(place)!;
        bool isNew = !Directory.Exists(folder);
        Directory.CreateDirectory(folder);
        File.Move(temporary, place, overwrite: true);
        File.SetLastWriteTimeUtc(place, DateTime.UtcNow);
        DurableFolder.Flush(folder);
        if (isNew)
        {
            DurableFolder.Flush(Path.GetDirectoryName(folder)!);
            DurableFolder.Flush(_root);
        }
    }
}
