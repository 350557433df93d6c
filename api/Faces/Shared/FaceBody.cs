using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Generation.Api.Web;

namespace Generation.Api.Faces.Shared;

/// <summary>
/// A request's fields, whichever way they came (JSON, form, multipart, query), read as leniently as other services do:
/// numbers and booleans may be strings, an empty string is a field that was not set. What cannot be read is gathered in
/// <see cref="Errors"/> and reads as not set.
/// </summary>
internal sealed class FaceBody : IBodyContent
{
    /// <summary>Most texts of a list field.</summary>
    public const int MaxTexts = 100;

    private readonly Dictionary<string, List<FaceValue>> _fields = new(StringComparer.Ordinal);
    private readonly HashSet<string> _wrongTypes;
    private readonly string _prefix;
    private byte[]? _fingerprint;

    /// <summary>A body without fields.</summary>
    public FaceBody()
        : this(new FieldErrors(), [], "") { }

    private FaceBody(FieldErrors errors, HashSet<string> wrongTypes, string prefix) =>
        (Errors, _wrongTypes, _prefix) = (errors, wrongTypes, prefix);

    public FieldErrors Errors { get; }

    /// <summary>Fields whose value was of another type than the one asked for.</summary>
    public IReadOnlySet<string> WrongTypes => _wrongTypes;

    /// <summary>Names of the fields, as they came, without a list's "[]".</summary>
    public IReadOnlyCollection<string> Names => _fields.Keys;

    /// <summary>Reads the request's body, once: a second call gives the same.</summary>
    /// <param name="request">The request.</param>
    /// <param name="maxBytes">Largest body.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ProblemException">The body is too large, or in no form that can be read.</exception>
    public static async Task<FaceBody> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        if (request.HttpContext.Features.Get<FaceBody>() is { } known)
        {
            return known;
        }

        FaceBody body = await FaceBodyReader.ReadAsync(request, maxBytes, cancellationToken);
        // Before a picture is decoded where it lies
        body._fingerprint = body.Fingerprint(request);
        request.HttpContext.Features.Set(body);
        BodyBudget.Of(request.HttpContext).ReadInto(body);
        return body;
    }

    /// <inheritdoc/>
    public long Release() => _fields.Values.Sum(values => values.Sum(value => value.Release()));

    /// <summary>Adds a field; a name in the manner of lists ("image[]", "image[0]") counts as its list's.</summary>
    public void Add(string name, FaceValue value)
    {
        int bracket = name.EndsWith(']') ? name.LastIndexOf('[') : -1;
        if (
            bracket > 0
            && name.AsSpan(bracket + 1, name.Length - bracket - 2) is var index
            && (index.IsEmpty || int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        )
        {
            name = name[..bracket];
        }

        if (!_fields.TryGetValue(name, out List<FaceValue>? values))
        {
            _fields[name] = values = [];
        }

        values.Add(value);
    }

    /// <summary>Whether a field is set to anything but null and an empty string.</summary>
    public bool Has(string name) => Last([name]) is not null;

    /// <summary>A field's value as it came, under the first of these names that is set; null if none is.</summary>
    public FaceValue? Value(params ReadOnlySpan<string> names) => Last(names)?.Value;

    /// <summary>All values of a field, as they came.</summary>
    public IReadOnlyList<FaceValue> Values(string name) => _fields.GetValueOrDefault(name, []);

    /// <summary>
    /// The members of a JSON object as fields, which are read as the body's own are; what is wrong with them is gathered with what is wrong
    /// with the body, under <paramref name="name"/> and a dot.
    /// </summary>
    public FaceBody Nested(string name, FaceValue value)
    {
        var nested = new FaceBody(Errors, _wrongTypes, $"{_prefix}{name}.");
        foreach ((string member, FaceValue content) in value.Members)
        {
            nested.Add(member, content);
        }

        return nested;
    }

    /// <summary>The value of a field as text; numbers and booleans as they are written.</summary>
    public string? Text(params ReadOnlySpan<string> names)
    {
        if (Last(names) is not var (name, value))
        {
            return null;
        }

        if (value.IsTooLong)
        {
            Errors.Add(_prefix + name, $"may have {StrictReader.MaxTextBytes} bytes at most, and has {value.Length}");
            return null;
        }

        if (value.Text is not { } text)
        {
            Mistyped(name, "a string", value);
            return null;
        }

        if (text.Contains('\0'))
        {
            Errors.Add(_prefix + name, "contains the character U+0000");
            return null;
        }

        return text;
    }

    /// <summary>The value of a field as a whole number, which may be written as 25, "25" or 25.0.</summary>
    public long? Integer(params ReadOnlySpan<string> names)
    {
        if (Last(names) is not var (name, value))
        {
            return null;
        }

        if (IsUnset(value))
        {
            return null;
        }

        if (
            value.Text is { } text
            && decimal.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number)
            && decimal.IsInteger(number)
            && number is >= long.MinValue and <= long.MaxValue
        )
        {
            return (long)number;
        }

        Mistyped(name, "a whole number", value);
        return null;
    }

    /// <summary>The value of a field as a whole number of 32 bits.</summary>
    public int? Int(params ReadOnlySpan<string> names)
    {
        long? value = Integer(names);
        if (value is null or (>= int.MinValue and <= int.MaxValue))
        {
            return (int?)value;
        }

        Errors.Add(_prefix + Last(names)!.Value.Name, $"is too large a number: {value}");
        return null;
    }

    /// <summary>The value of a field as a number, which may be written as 7.5 or "7.5".</summary>
    public double? Number(params ReadOnlySpan<string> names)
    {
        if (Last(names) is not var (name, value))
        {
            return null;
        }

        if (IsUnset(value))
        {
            return null;
        }

        if (
            value.Text is { } text
            && double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && double.IsFinite(number)
        )
        {
            return number;
        }

        Mistyped(name, "a number", value);
        return null;
    }

    /// <summary>
    /// The value of a field as a boolean, which may be written as true, "true", "yes", "on" or 1, and as their contraries.
    /// </summary>
    public bool? Flag(params ReadOnlySpan<string> names)
    {
        if (Last(names) is not var (name, value))
        {
            return null;
        }

        switch (value.Text?.Trim().ToLowerInvariant())
        {
            case "true" or "yes" or "y" or "on" or "1":
                return true;
            case "false" or "no" or "n" or "off" or "0":
                return false;
            case "null" or "none" or "undefined":
                return null;
            default:
                Mistyped(name, "yes or no", value);
                return null;
        }
    }

    /// <summary>A picture for a native body: a file part, or a text as it came.</summary>
    public PictureSource? Picture(params ReadOnlySpan<string> names) => Pictures(names) is [.., var last] ? last : null;

    /// <summary>All pictures of a field.</summary>
    public IReadOnlyList<PictureSource> Pictures(params ReadOnlySpan<string> names)
    {
        var pictures = new List<PictureSource>();
        foreach (string name in names)
        {
            foreach (FaceValue value in _fields.GetValueOrDefault(name, []).SelectMany(v => v.Items()))
            {
                if (value.AsPicture() is { } picture)
                {
                    pictures.Add(picture);
                }
                else if (!value.IsNull && value.File is null && !value.IsEmpty)
                {
                    Mistyped(name, "a picture", value);
                }
            }

            if (pictures.Count > 0)
            {
                break;
            }
        }

        return pictures;
    }

    /// <summary>
    /// Texts of a list field: a JSON array, a repeated form field, or one text with commas. More than <see cref="MaxTexts"/>, empty ones
    /// among them, are an error and read as none; they are counted before they are made.
    /// </summary>
    public IReadOnlyList<string> Texts(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            FaceValue[] items = [.. _fields.GetValueOrDefault(name, []).SelectMany(v => v.Items())];
            long count = items.Length > MaxTexts ? items.Length : items.Sum(item => 1L + (item.Text ?? "").AsSpan().Count(','));
            if (count > MaxTexts)
            {
                Errors.Add(_prefix + name, $"may have {MaxTexts} texts at most, and has {count}");
                return [];
            }

            string[] texts =
            [
                .. items
                    .Select(item => item.Text)
                    .OfType<string>()
                    .SelectMany(t => t.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)),
            ];
            if (texts.Length > 0)
            {
                return texts;
            }
        }

        return [];
    }

    /// <summary>SHA-256 over call and fields: the same for two requests that ask for the same, whatever a form's boundary is.</summary>
    public byte[] Fingerprint(HttpRequest request)
    {
        if (_fingerprint is { } known)
        {
            return known;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.Path}{request.QueryString}\n"));
        foreach ((string name, List<FaceValue> values) in _fields.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            foreach (FaceValue value in values)
            {
                ReadOnlySpan<byte> content = value.Content.Span;
                hash.AppendData(Encoding.UTF8.GetBytes($"{name.Length} {name} {content.Length}\n"));
                hash.AppendData(content);
            }
        }

        return hash.GetHashAndReset();
    }

    private (string Name, FaceValue Value)? Last(ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (_fields.TryGetValue(name, out List<FaceValue>? values) && values.LastOrDefault(v => !v.IsNull && !v.IsEmpty) is { } value)
            {
                return (name, value);
            }
        }

        return null;
    }

    /// <summary>Whether a value is one of the words that clients in JavaScript send for an absent value.</summary>
    private static bool IsUnset(FaceValue value) => value.Text?.Trim().ToLowerInvariant() is "null" or "none" or "undefined" or "";

    /// <summary>Notes what is wrong with a field, as the end of a sentence that begins with its name.</summary>
    public void Fail(string name, string detail) => Errors.Add(_prefix + name, detail);

    /// <summary>Notes that a field is of another type than it must be.</summary>
    public void Mistyped(string name, string expected, FaceValue value)
    {
        _wrongTypes.Add(_prefix + name);
        Errors.Add(_prefix + name, $"must be {expected}, and is {value.Shown}");
    }
}
