using System.Text;
using System.Text.Json;
using Generation.Api.Web;

namespace Generation.Api.Faces.Shared;

/// <summary>
/// One value of a field: of a JSON object, of a form, or a file part. It points into the request's body, and a text becomes a string only
/// where it is asked for and is no longer than any that is.
/// </summary>
internal sealed record FaceValue
{
    /// <summary>So many bytes of a text that is too long are kept to be shown.</summary>
    private const int ShownBytes = 256;

    private readonly JsonTokenType _type;
    private string? _text;
    private PictureSource? _picture;

    private FaceValue(JsonTokenType type, Memory<byte> content) => (_type, Content, Length) = (type, content, content.Length);

    /// <summary>The file part; null for any other value.</summary>
    public FaceFile? File { get; private init; }

    /// <summary>
    /// The bytes that make it this value: of a JSON string what is between its quotes, of a list or object all of it. After
    /// <see cref="Release"/> only those of a short text.
    /// </summary>
    public Memory<byte> Content { get; private set; }

    /// <summary>How many bytes came, also when they are no longer there.</summary>
    public int Length { get; }

    /// <summary>Whether it is JSON's null.</summary>
    public bool IsNull => _type == JsonTokenType.Null;

    /// <summary>Whether it is a text without a character.</summary>
    public bool IsEmpty => IsText && Length == 0;

    /// <summary>Whether it is a text that is longer than any but a picture's.</summary>
    public bool IsTooLong => IsText && Length > StrictReader.MaxTextBytes;

    /// <summary>The value as text: a string, a number or a boolean as it is written; null for all else, and if it is too long.</summary>
    public string? Text => _text ??= TextOf();

    /// <summary>What it is, in words.</summary>
    public string Kind => File is not null ? "a file" : ErrorText.KindOf(_type);

    /// <summary>As an error shows it.</summary>
    public string Shown =>
        File is not null || _type is JsonTokenType.StartArray or JsonTokenType.StartObject
            ? Kind
            : $"'{(IsTooLong ? ErrorText.Shown(Content.Span) : ErrorText.Shown(Text ?? "null"))}'";

    /// <summary>The members of a JSON object; none of any other value.</summary>
    public IReadOnlyDictionary<string, FaceValue> Members { get; private init; } = new Dictionary<string, FaceValue>();

    /// <summary>Whether it is a JSON object.</summary>
    public bool IsObject => _type == JsonTokenType.StartObject;

    /// <summary>Whether it is a number or a boolean of JSON.</summary>
    public bool IsLiteral => _type is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False;

    private bool IsEscaped { get; init; }

    private IReadOnlyList<FaceValue> List { get; init; } = [];

    private bool IsText => File is null && _type == JsonTokenType.String;

    /// <summary>A string of JSON.</summary>
    /// <param name="content">What stands between its quotes.</param>
    /// <param name="isEscaped">Whether there are escapes in it.</param>
    public static FaceValue OfString(Memory<byte> content, bool isEscaped) => new(JsonTokenType.String, content) { IsEscaped = isEscaped };

    /// <summary>A number, a boolean or null of JSON.</summary>
    public static FaceValue OfLiteral(JsonTokenType type, Memory<byte> content) => new(type, content);

    /// <summary>A list of JSON.</summary>
    public static FaceValue Of(IReadOnlyList<FaceValue> items, Memory<byte> content) =>
        new(JsonTokenType.StartArray, content) { List = items };

    /// <summary>An object of JSON.</summary>
    public static FaceValue Of(IReadOnlyDictionary<string, FaceValue> members, Memory<byte> content) =>
        new(JsonTokenType.StartObject, content) { Members = members };

    /// <summary>A text of a query string.</summary>
    public static FaceValue Of(string text) => OfString(Encoding.UTF8.GetBytes(text), isEscaped: false);

    public static FaceValue Of(FaceFile file) => new(JsonTokenType.String, file.Bytes) { File = file };

    /// <summary>
    /// As a native body's picture: a file part, or a text that leads to one. Null for an empty part, as browsers send for a file not
    /// chosen, and for anything else.
    /// </summary>
    public PictureSource? AsPicture() => _picture ??= PictureOf();

    /// <summary>The items of a JSON array; else the value alone.</summary>
    public IEnumerable<FaceValue> Items() => _type == JsonTokenType.StartArray ? List : [this];

    /// <summary>A member of a JSON object; null if there is none.</summary>
    public FaceValue? Member(string name) => Members.GetValueOrDefault(name);

    /// <summary>
    /// Lets go of the body in which it lies: a text that is short is copied, pictures are gone. Returns the bytes of what is kept.
    /// </summary>
    public long Release()
    {
        _picture?.Release();
        File?.Release();
        long kept = List.Sum(item => item.Release()) + Members.Values.Sum(member => member.Release());
        Content =
            File is not null || _type is JsonTokenType.StartArray or JsonTokenType.StartObject ? Memory<byte>.Empty
            : Length > StrictReader.MaxTextBytes ? Content[..Math.Min(Content.Length, ShownBytes)].ToArray()
            : Content.ToArray();
        return kept + Content.Length;
    }

    private PictureSource? PictureOf() =>
        File is { } file
            ? file.Bytes.Length > 0
                ? PictureSource.Of(file.Bytes)
                : null
            : IsText && Length > PictureSource.MaxTextBytes
                ? PictureSource.OfEncoded(Content, IsEscaped)
                : Text is { Length: > 0 } text
                    ? PictureSource.Of(text.Trim())
                    : null;

    private string? TextOf()
    {
        if (File is not null || IsTooLong)
        {
            return null;
        }

        switch (_type)
        {
            case JsonTokenType.String when !IsEscaped:
                return Encoding.UTF8.GetString(Content.Span);
            case JsonTokenType.String:
                try
                {
                    byte[] quoted = [(byte)'"', .. Content.Span, (byte)'"'];
                    var reader = new Utf8JsonReader(quoted);
                    reader.Read();
                    return reader.GetString();
                }
                catch (InvalidOperationException)
                {
                    // Half of a surrogate pair
                    return null;
                }

            case JsonTokenType.Number
            or JsonTokenType.True
            or JsonTokenType.False:
                return Encoding.UTF8.GetString(Content.Span[..Math.Min(Content.Length, StrictReader.MaxTextBytes)]);
            default:
                return null;
        }
    }
}

/// <summary>A file part of a form.</summary>
internal sealed class FaceFile(string name, string contentType, Memory<byte> bytes)
{
    /// <summary>File name, as the client gave it; may be empty.</summary>
    public string Name => name;

    /// <summary>As the client gave it; may be empty.</summary>
    public string ContentType => contentType;

    /// <summary>The content; empty after <see cref="Release"/>.</summary>
    public Memory<byte> Bytes { get; private set; } = bytes;

    /// <summary>Lets go of the content.</summary>
    public void Release() => Bytes = Memory<byte>.Empty;
}
