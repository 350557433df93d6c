namespace Generation.Storage.Backup;

/// <summary>What a backup holds: the last entry of its file, so that one that was cut off has none.</summary>
/// <param name="Format">1.</param>
/// <param name="CreatedAt">When the database was read, all of it at one moment.</param>
/// <param name="Migration">The newest migration of the database; a version with another cannot restore it.</param>
/// <param name="Tables">The tables, those first that others refer to.</param>
/// <param name="Sequences">The sequences' values, as SQL names them.</param>
/// <param name="Results">How many files of the results store it holds.</param>
/// <param name="MissingResults">Files that the database names and the store did not have.</param>
/// <param name="Files">Other files, by their names in the backup.</param>
public sealed record BackupManifest(
    int Format,
    DateTimeOffset CreatedAt,
    string Migration,
    IReadOnlyList<BackupTable> Tables,
    IReadOnlyDictionary<string, long> Sequences,
    int Results,
    IReadOnlyList<string> MissingResults,
    IReadOnlyList<string> Files
)
{
    public const int CurrentFormat = 1;
}

/// <summary>A table of a backup.</summary>
/// <param name="Name">The table.</param>
/// <param name="Columns">Its columns, in the order of the data.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Sha256">Of the data, in hexadecimal.</param>
public sealed record BackupTable(string Name, IReadOnlyList<string> Columns, long Rows, string Sha256);

/// <summary>A backup cannot be made or restored. The message says what to do.</summary>
public sealed class BackupException(string message, Exception? inner = null) : Exception(message, inner);
