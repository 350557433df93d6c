using System.Text.Json;
using Generation.Contracts;

namespace Generation.Storage.Results;

/// <summary>The document "owner" of a results store, which identifies the database that the store belongs to.</summary>
/// <param name="Database">The name that the owner's database gave itself; a copy of the database has the same name.</param>
/// <param name="Instance">
/// The server (PostgreSQL's system identifier) and the database on it (its object id). A database that was restored or copied elsewhere has
/// a different one.
/// </param>
/// <param name="Mark">
/// A value that changes with every sweep. A database that was set back, or a copy of its files, knows an old value.
/// </param>
/// <param name="Contested">Whether a database found another's mark where it expected its own, so that neither may delete files.</param>
/// <param name="WrittenAt">When it was written, for people.</param>
internal sealed record StoreMark(Guid Database, string Instance, Guid Mark, bool Contested, DateTimeOffset WrittenAt)
{
    /// <summary>The document's name.</summary>
    public const string Document = "owner";

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, WireJson.Options);

    /// <summary>Reads the mark in a document. A mark that cannot be read belongs to an unknown database.</summary>
    public static StoreMark Read(byte[] document)
    {
        try
        {
            return JsonSerializer.Deserialize<StoreMark>(document, WireJson.Options) ?? Unreadable;
        }
        catch (JsonException)
        {
            return Unreadable;
        }
    }

    private static StoreMark Unreadable { get; } = new(Guid.Empty, "unreadable", Guid.Empty, false, default);
}

/// <summary>Who owns a results store.</summary>
public enum StoreOwner
{
    /// <summary>It belongs to this database.</summary>
    Ours,

    /// <summary>It belongs to nobody yet: it carries no mark, and this database has not marked any store.</summary>
    Nobody,

    /// <summary>It carries no mark, though this database has marked its store: another folder, or a disk that is not mounted.</summary>
    Missing,

    /// <summary>It belongs to another database, or to the one from which this database was restored or copied.</summary>
    Another,

    /// <summary>It belongs to this database and to a copy of it that is also in use, or this database was set back.</summary>
    Contested,
}
