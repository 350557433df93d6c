using System.Globalization;
using System.Runtime.CompilerServices;

namespace Generation.Api.Web;

/// <summary>
/// Gathers what is wrong with a request's fields, so that the caller learns all of it at once. The first <see cref="Most"/> are kept;
/// more are only counted, so that no body makes an answer, or the work of wording it, larger than that.
/// </summary>
internal sealed class FieldErrors
{
    /// <summary>So many errors are told; of the others it is told how many there are.</summary>
    public const int Most = 20;

    private const int MaxFieldLength = 100;
    private const int MaxDetailLength = 1000;

    private readonly Dictionary<string, List<string>> _errors = [];
    private int _told;
    private int _more;

    public bool HasAny => _told > 0;

    /// <summary>Whether what is added from now on is only counted.</summary>
    public bool IsFull => _told >= Most;

    public void Add(string field, string detail)
    {
        if (IsFull)
        {
            _more++;
            return;
        }

        _told++;
        field = Cut(field, MaxFieldLength);
        if (!_errors.TryGetValue(field, out List<string>? details))
        {
            _errors[field] = details = [];
        }

        details.Add(Cut(detail, MaxDetailLength));
    }

    /// <summary>As above; the parts of an interpolated <paramref name="detail"/> are not evaluated if it would only be counted.</summary>
    public void Add(string field, [InterpolatedStringHandlerArgument("")] ref DetailText detail) => Add(field, detail.ToStringAndClear());

    public bool Has(string field) => _errors.ContainsKey(field);

    /// <summary>Refuses the request if anything was found to be wrong.</summary>
    /// <exception cref="ProblemException">Something is wrong; all of it is listed, or the first of it and how much more.</exception>
    public void ThrowIfAny()
    {
        if (_told > 0)
        {
            string told = string.Join(" ", _errors.SelectMany(e => e.Value.Select(detail => $"{e.Key}: {detail}.")));
            throw new ProblemException(
                Problem.Of(
                    422,
                    "invalid_request",
                    _more == 0 ? told : $"{told} {Problem.AndMore(_more)}",
                    _errors.ToDictionary(e => e.Key, e => e.Value.ToArray())
                ) with
                {
                    MoreErrors = _more == 0 ? null : _more,
                }
            );
        }
    }

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..(length - 3)] + "...";

    /// <summary>The text of an error, put together only where it will be told.</summary>
    [InterpolatedStringHandler]
    internal ref struct DetailText
    {
        private DefaultInterpolatedStringHandler _text;

        public DetailText(int literalLength, int formattedCount, FieldErrors errors, out bool isTold)
        {
            isTold = !errors.IsFull;
            _text = isTold ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture) : default;
        }

        public void AppendLiteral(string value) => _text.AppendLiteral(value);

        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

        public void AppendFormatted<T>(T value, string? format) => _text.AppendFormatted(value, format);

        /// <summary>The text; empty where it is not told.</summary>
        public string ToStringAndClear() => _text.ToStringAndClear();
    }
}
