using System.Text;

namespace Generation.Api.Web;

/// <summary>
/// A picture as a request brings it: a text that leads to it, or its bytes where it came as a file of a form. A text that is too long to
/// be anything but base64 stays where it lies in the request's body, and is decoded there.
/// </summary>
public sealed record PictureSource
{
    /// <summary>A longer text, in bytes, is base64 and nothing else.</summary>
    public const int MaxTextBytes = 8192;

    private PictureSource() { }

    /// <summary>An upload's id, a data URI, base64, or an http(s) address; null where it came as bytes or as a long text.</summary>
    public string? Text { get; private init; }

    /// <summary>The bytes of the file, or of the long text once it is decoded.</summary>
    public ReadOnlyMemory<byte>? Bytes { get; private set; }

    /// <summary>A long text in UTF-8, which decoding overwrites; null where it came otherwise, or is decoded already.</summary>
    public Memory<byte>? Encoded { get; private set; }

    /// <summary>Whether <see cref="Encoded"/> is the inside of a JSON string with escapes in it.</summary>
    public bool IsEscaped { get; private init; }

    public static PictureSource Of(string text) => new() { Text = text };

    public static PictureSource Of(ReadOnlyMemory<byte> bytes) => new() { Bytes = bytes };

    /// <summary>A text of more than <see cref="MaxTextBytes"/>, whose memory is the picture's own from now on.</summary>
    public static PictureSource OfEncoded(Memory<byte> text, bool isEscaped) => new() { Encoded = text, IsEscaped = isEscaped };

    /// <summary>The first characters of the text, as it came; empty where there is none.</summary>
    public string Start(int length) =>
        Encoded is { } encoded
            ? Encoding.UTF8.GetString(encoded.Span[..Math.Min(length, encoded.Length)]).Replace("\\/", "/")
            : (Text ?? "")[..Math.Min(length, Text?.Length ?? 0)];

    /// <summary>Keeps what was decoded of <see cref="Encoded"/>, for whoever asks again.</summary>
    public void Decoded(ReadOnlyMemory<byte> bytes) => (Bytes, Encoded) = (bytes, null);

    /// <summary>Lets go of the bytes, once the picture is stored: nobody may ask for it again.</summary>
    public void Release() => (Bytes, Encoded) = (null, null);
}
