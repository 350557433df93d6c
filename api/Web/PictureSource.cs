namespace Generation.Api.Web;

/// <summary>A picture as a request brings it: a text that leads to it, or its bytes where it came as a file of a form.</summary>
/// <param name="Text">An upload's id, a data URI, base64, or an http(s) address.</param>
/// <param name="Bytes">The bytes of the file.</param>
public sealed record PictureSource(string? Text, ReadOnlyMemory<byte>? Bytes)
{
    public static PictureSource Of(string text) => new(text, null);

    public static PictureSource Of(ReadOnlyMemory<byte> bytes) => new(null, bytes);
}
