using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.Shared;

/// <summary>Names of models and schedulers of another service, found among ours.</summary>
internal static class FaceNames
{
    /// <summary>
    /// The catalogue's name for a model of a face: as the face's table says; else the same name where the catalogue has
    /// it; null for the catalogue's default, which the table says with an empty name.
    /// </summary>
    /// <param name="name">The client's; null for none.</param>
    /// <param name="table">Names of the service, to names of the catalogue or "" for its default; "*" stands for all others.</param>
    /// <param name="fallback">The face's default model; null or empty for the catalogue's default.</param>
    /// <param name="catalogue">The models that workers have registered.</param>
    /// <exception cref="UnknownNameException">Neither the table nor the catalogue has the name.</exception>
    public static string? Model(
        string? name,
        IReadOnlyDictionary<string, string> table,
        string? fallback,
        IReadOnlyDictionary<string, ModelEntry> catalogue
    )
    {
        if (name is null)
        {
            return string.IsNullOrEmpty(fallback) ? null : fallback;
        }

        if (table.TryGetValue(name, out string? mapped))
        {
            return mapped.Length > 0 ? mapped : Model(null, table, fallback, catalogue);
        }

        if (catalogue.ContainsKey(name))
        {
            return name;
        }

        return table.TryGetValue("*", out string? other)
            ? other.Length > 0
                ? other
                : Model(null, table, fallback, catalogue)
            : throw new UnknownNameException(name, [.. table.Keys.Concat(catalogue.Keys).Distinct().Order(StringComparer.Ordinal)]);
    }

    /// <summary>
    /// The native name of a scheduler of a face: as its table says, else the registered one that is written alike (case,
    /// spaces, hyphens and underscores make no difference, "++" is "pp").
    /// </summary>
    /// <param name="name">The client's; null for none, and so for the model's own.</param>
    /// <param name="table">Names of the service to native names; "" for the model's own.</param>
    /// <param name="known">The schedulers that workers have registered.</param>
    /// <exception cref="UnknownNameException">There is no such scheduler.</exception>
    public static string? Scheduler(string? name, IReadOnlyDictionary<string, string> table, IReadOnlyList<SchedulerEntry> known)
    {
        if (name is null)
        {
            return null;
        }

        string wanted = Normal(name);
        foreach ((string service, string native) in table)
        {
            if (Normal(service) == wanted)
            {
                return native.Length == 0 ? null : native;
            }
        }

        return known.FirstOrDefault(s => Normal(s.Name) == wanted)?.Name
            ?? throw new UnknownNameException(
                name,
                [.. table.Keys.Concat(known.Select(s => s.Name)).Distinct().Order(StringComparer.Ordinal)]
            );
    }

    /// <summary>A name as names are compared: case, spaces, hyphens and underscores make no difference, "++" is "pp".</summary>
    public static string Normal(string name) =>
        string.Concat(name.Where(c => char.IsAsciiLetterOrDigit(c) || c == '+').Select(c => c == '+' ? 'p' : char.ToLowerInvariant(c)));
}

/// <summary>A name that neither the face's table nor the system knows.</summary>
internal sealed class UnknownNameException(string name, IReadOnlyList<string> known)
    : Exception($"is '{ErrorText.Shown(name)}', and must be one of {string.Join(", ", known)}")
{
    public IReadOnlyList<string> Known => known;
}
