namespace Generation.Api.Web;

/// <summary>A picture as a request brings it: words that lead to it, or its bytes where they came as a file of a form.</summary>
/// <param name="Text">An upload's id, a data URI, base64, or an http(s) address.</param>
/// <param name="Bytes">The file itself.</param>
public sealed record PictureSource(string? Text, ReadOnlyMemory<byte>? Bytes)
{
    public static PictureSource Of(string text) => new(text, null);

    public static PictureSource Of(ReadOnlyMemory<byte> bytes) => new(null, bytes);
}
