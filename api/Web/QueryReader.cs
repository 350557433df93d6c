using System.Globalization;
using System.Text.Json;
using Generation.Contracts;

namespace Generation.Api.Web;

/// <summary>A page of a list: <paramref name="NextCursor"/> leads to the next, and is absent on the last.</summary>
public sealed record Page<T>(IReadOnlyList<T> Data, string? NextCursor);

/// <summary>Reads a query string strictly: an unknown name and a value out of its limits are errors.</summary>
internal sealed class QueryReader
{
    private readonly IQueryCollection _query;
    private readonly FieldErrors _errors = new();

    public QueryReader(IQueryCollection query, string[] known)
    {
        _query = query;
        foreach (string name in query.Keys.Where(n => !known.Contains(n)))
        {
            _errors.Add(ErrorText.Shown(name), $"there is no such parameter{ErrorText.DidYouMean(name, known)}");
        }

        // PostgreSQL takes neither
        foreach (string name in known.Where(n => query[n].ToString().AsSpan().IndexOfAny('\0', '\uFFFD') >= 0))
        {
            _errors.Add(name, "contains the character U+0000, or is not UTF-8");
        }
    }

    public static string CursorOf(JobId id) => "j_" + id.Value.ToString("N");

    /// <summary>The value of a parameter; null where it is absent, empty, or an error for every kind of value.</summary>
    public string? Text(string name) => _query[name].ToString() is { Length: > 0 } value && !_errors.Has(name) ? value : null;

    public int Integer(string name, int otherwise, int least, int most)
    {
        if (Text(name) is not { } text)
        {
            return otherwise;
        }

        if (int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most)
        {
            return value;
        }

        _errors.Add(name, $"must be {least} to {most}, and is '{ErrorText.Shown(text)}'");
        return otherwise;
    }

    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset value))
        {
            return value;
        }

        _errors.Add(name, $"must be a time as 2026-01-31T12:00:00Z, and is '{ErrorText.Shown(text)}'");
        return null;
    }

    public string Choice(string name, params string[] known)
    {
        string value = Text(name) ?? known[0];
        if (!known.Contains(value))
        {
            _errors.Add(
                name,
                $"must be one of {string.Join(", ", known)}, and is '{ErrorText.Shown(value)}'{ErrorText.DidYouMean(value, known)}"
            );
        }

        return value;
    }

    /// <summary>The value of an enumeration that a name on the wire stands for; null where the parameter is absent.</summary>
    public T? Enum<T>(string name)
        where T : struct, Enum
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        Dictionary<string, T> known = System.Enum.GetValues<T>().ToDictionary(v => JsonSerializer.Serialize(v).Trim('"'));
        if (known.TryGetValue(text, out T value))
        {
            return value;
        }

        _errors.Add(
            name,
            $"must be one of {string.Join(", ", known.Keys)}, and is '{ErrorText.Shown(text)}'{ErrorText.DidYouMean(text, known.Keys)}"
        );
        return null;
    }

    public JobId? JobCursor(string cursor)
    {
        if (cursor.StartsWith("j_", StringComparison.Ordinal) && Guid.TryParseExact(cursor[2..], "N", out Guid id))
        {
            return new JobId(id);
        }

        _errors.Add("cursor", "is not one that a list gave as next_cursor");
        return null;
    }

    public long? NumberCursor(string? cursor)
    {
        if (cursor is null)
        {
            return null;
        }

        if (long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out long value))
        {
            return value;
        }

        _errors.Add("cursor", "is not one that a list gave as next_cursor");
        return null;
    }

    /// <summary>Refuses the request if anything was found to be wrong.</summary>
    /// <exception cref="ProblemException">Something is wrong; all of it is listed.</exception>
    public void Finish() => _errors.ThrowIfAny();
}
