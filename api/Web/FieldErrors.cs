namespace Generation.Api.Web;

/// <summary>Gathers what is wrong with a request's fields, so that the caller learns all of it at once.</summary>
internal sealed class FieldErrors
{
    private readonly Dictionary<string, List<string>> _errors = [];

    public void Add(string field, string detail)
    {
        if (!_errors.TryGetValue(field, out List<string>? details))
        {
            _errors[field] = details = [];
        }

        details.Add(detail);
    }

    public bool HasAny => _errors.Count > 0;

    public bool Has(string field) => _errors.ContainsKey(field);

    /// <summary>Refuses the request if anything was found to be wrong.</summary>
    /// <exception cref="ProblemException">Something is wrong; all of it is listed.</exception>
    public void ThrowIfAny()
    {
        if (_errors.Count > 0)
        {
            throw new ProblemException(
                422,
                "invalid_request",
                string.Join(" ", _errors.SelectMany(e => e.Value.Select(detail => $"{e.Key}: {detail}."))),
                _errors.ToDictionary(e => e.Key, e => e.Value.ToArray())
            );
        }
    }
}
