using System.Text.Json;
using Generation.Contracts;

namespace Generation.Storage.Results;

/// <summary>What a results store says of its owner: the document "owner" in it.</summary>
/// <param name="Database">The name that the owner's database gave itself; a copy of the database has it, too.</param>
/// <param name="Instance">
/// The server (PostgreSQL's system identifier) and the database on it (its object id): a database that was restored or copied elsewhere
/// has another.
/// </param>
/// <param name="Mark">Changes with every sweep: a database that was set back, or a copy of its files, knows an old one.</param>
/// <param name="Contested">Whether a database found another's mark where it expected its own, so that neither may delete.</param>
/// <param name="WrittenAt">When it was written, for people who look.</param>
internal sealed record StoreMark(Guid Database, string Instance, Guid Mark, bool Contested, DateTimeOffset WrittenAt)
{
    /// <summary>The document's name.</summary>
    public const string Document = "owner";

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, WireJson.Options);

    /// <summary>The mark in a document; one that nobody can read is nobody's whom we know.</summary>
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

/// <summary>Whose a results store is.</summary>
public enum StoreOwner
{
    /// <summary>This database's.</summary>
    Ours,

    /// <summary>Nobody's yet: it carries no mark, and this database has marked none.</summary>
    Nobody,

    /// <summary>It carries no mark, though this database has marked its store: another folder, or a disk that is not mounted.</summary>
    Missing,

    /// <summary>Another database's, or that of the database which this one was restored or copied from.</summary>
    Another,

    /// <summary>This database's, and that of a copy of it which is in use, too; or this database was set back.</summary>
    Contested,
}
