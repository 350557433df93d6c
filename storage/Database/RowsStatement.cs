using Npgsql;
using NpgsqlTypes;

namespace Generation.Storage.Database;

/// <summary>One of a statement's parameters, whose value comes from what the statement is about.</summary>
/// <param name="Name">The parameter.</param>
/// <param name="Type">Its type, for one.</param>
/// <param name="One">Its value, for one.</param>
/// <param name="Many">Its values, for several: an array.</param>
internal sealed record Column<TItem>(string Name, NpgsqlDbType Type, Func<TItem, object?> One, Func<IReadOnlyList<TItem>, object> Many)
{
    public static Column<TItem> Of<T>(string name, NpgsqlDbType type, Func<TItem, T> value) =>
        new(name, type, item => value(item), items => items.Select(value).ToArray());
}

/// <summary>
/// A statement that is about one or several of a kind, in two files: NAME-one.sql, and NAME-many.sql, whose parameters are arrays with an
/// element for each. One alone could go as an array, too; planned as what it is, it is carried out in half the time.
/// </summary>
internal sealed class RowsStatement<TItem>
{
    private readonly Column<TItem>[] _columns;
    private readonly Statement _one;
    private readonly Statement _many;

    /// <param name="name">The files' name, without -one and -many.</param>
    /// <param name="columns">Parameters that each of those that it is about has a value for.</param>
    /// <param name="others">Parameters that are the same for all; they come after.</param>
    public RowsStatement(string name, Column<TItem>[] columns, params (string Name, NpgsqlDbType Type)[] others)
    {
        _columns = columns;
        _one = new Statement(name + "-one", [.. columns.Select(c => (c.Name, c.Type)), .. others]);
        _many = new Statement(name + "-many", [.. columns.Select(c => (c.Name, NpgsqlDbType.Array | c.Type)), .. others]);
    }

    public IReadOnlyList<Statement> Forms => [_one, _many];

    public NpgsqlBatchCommand InBatch(IReadOnlyList<TItem> items, params ReadOnlySpan<object?> others) =>
        items.Count == 1
            ? _one.InBatch([.. _columns.Select(c => c.One(items[0])), .. others])
            : _many.InBatch([.. _columns.Select(c => c.Many(items)), .. others]);
}
