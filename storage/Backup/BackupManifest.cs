namespace Generation.Storage.Backup;

/// <summary>The table of contents of a backup. It is the last entry of the file, so that a file that was cut off has none.</summary>
/// <param name="Format">1.</param>
/// <param name="CreatedAt">The moment as of which the whole database was read.</param>
/// <param name="Migration">
/// The newest migration of the database. A version of the program with another newest migration cannot restore the backup.
/// </param>
/// <param name="Tables">The tables, each after those that it refers to.</param>
/// <param name="Sequences">The values of the sequences, by their names in SQL.</param>
/// <param name="Results">The number of files of the results store in the backup.</param>
/// <param name="MissingResults">The number of files that the database refers to but that the store did not have.</param>
/// <param name="Files">The names of other files in the backup.</param>
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

/// <summary>A table in a backup.</summary>
/// <param name="Name">The name of the table.</param>
/// <param name="Columns">Its columns, in the order of the data.</param>
/// <param name="Rows">The number of rows.</param>
/// <param name="Sha256">SHA-256 of the data, in hexadecimal.</param>
public sealed record BackupTable(string Name, IReadOnlyList<string> Columns, long Rows, string Sha256);

/// <summary>A backup cannot be made or restored. The message says what to do.</summary>
public sealed class BackupException(string message, Exception? inner = null) : Exception(message, inner);
