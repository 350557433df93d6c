using System.Text;
using System.Text.Json;
using Generation.Api.Web;

namespace Generation.Api.Faces.Shared;

/// <summary>One value of a field: of a JSON object, of a form, or a file part.</summary>
internal sealed record FaceValue
{
    private readonly JsonElement? _json;
    private readonly string? _text;

    private FaceValue(JsonElement? json, string? text, FaceFile? file) => (_json, _text, File) = (json, text, file);

    /// <summary>The file part; null for any other value.</summary>
    public FaceFile? File { get; }

    /// <summary>The JSON value; null for a form's.</summary>
    public JsonElement? Json => _json;

    /// <summary>Whether it is JSON's null.</summary>
    public bool IsNull => _json?.ValueKind == JsonValueKind.Null;

    /// <summary>The value as text: a string, a number or a boolean as it is written; null for anything else.</summary>
    public string? Text =>
        _json is not { } json
            ? _text
            : json.ValueKind switch
            {
                JsonValueKind.String => StringOf(json),
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => json.GetRawText(),
                _ => null,
            };

    /// <summary>What it is, in words.</summary>
    public string Kind =>
        File is not null ? "a file"
        : _json is { } json ? ErrorText.KindOf(json)
        : "a string";

    /// <summary>As an error shows it.</summary>
    public string Shown =>
        File is not null || _json is { ValueKind: JsonValueKind.Array or JsonValueKind.Object }
            ? Kind
            : $"'{ErrorText.Shown(Text ?? "null")}'";

    /// <summary>All that makes it this value.</summary>
    public ReadOnlySpan<byte> Content => File is { } file ? file.Bytes.Span : Encoding.UTF8.GetBytes(_json?.GetRawText() ?? _text ?? "");

    public static FaceValue Of(JsonElement json) => new(json, null, null);

    public static FaceValue Of(string text) => new(null, text, null);

    public static FaceValue Of(FaceFile file) => new(null, null, file);

    /// <summary>
    /// As a native body's picture: a file part, or a text that leads to one. Null for an empty part, as browsers send for a file not
    /// chosen, and for anything else.
    /// </summary>
    public PictureSource? AsPicture() =>
        this switch
        {
            { File.Bytes.Length: > 0 } => PictureSource.Of(File.Bytes),
            { File: null, Text: { Length: > 0 } text } => PictureSource.Of(text.Trim()),
            _ => null,
        };

    /// <summary>The items of a JSON array; else the value alone.</summary>
    public IEnumerable<FaceValue> Items() => _json is { ValueKind: JsonValueKind.Array } json ? json.EnumerateArray().Select(Of) : [this];

    /// <summary>A member of a JSON object; null if there is none.</summary>
    public FaceValue? Member(string name) =>
        _json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty(name, out JsonElement member) ? Of(member) : null;

    private static string? StringOf(JsonElement json)
    {
        try
        {
            return json.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair
            return null;
        }
    }
}

/// <summary>A file part of a form.</summary>
/// <param name="Name">File name, as the client gave it; may be empty.</param>
/// <param name="ContentType">As the client gave it; may be empty.</param>
/// <param name="Bytes">The content.</param>
internal sealed record FaceFile(string Name, string ContentType, ReadOnlyMemory<byte> Bytes);
