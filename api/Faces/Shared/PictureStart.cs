using Generation.Api.Inputs;
using Generation.Api.Web;

namespace Generation.Api.Faces.Shared;

/// <summary>What the first bytes of a picture say, as far as they are there without fetching it.</summary>
internal static class PictureStart
{
    /// <summary>So many bytes have the size of most files: those with a large profile or preview before it have no size here.</summary>
    private const int Looked = 4096;

    /// <summary>The size; null where it is not known.</summary>
    public static (int Width, int Height)? SizeOf(PictureSource picture) =>
        PictureHeader.Read(Bytes(picture)) is { } header ? (header.Width, header.Height) : null;

    /// <summary>Whether it is a PNG file with an alpha channel.</summary>
    public static bool HasAlpha(PictureSource picture)
    {
        // Signature, length and name of the first chunk, width, height, depth; then the kind of colour
        const int ColourType = 25;
        ReadOnlySpan<byte> head = Bytes(picture);
        return head.Length > ColourType && head[1..4].SequenceEqual("PNG"u8) && head[ColourType] is 4 or 6;
    }

    private static ReadOnlySpan<byte> Bytes(PictureSource picture)
    {
        if (picture.Bytes is { } bytes)
        {
            return bytes.Span;
        }

        string text = picture.Start(Looked);
        string base64 = text.StartsWith("data:", StringComparison.OrdinalIgnoreCase)
            ? text[(text.IndexOf(',', StringComparison.Ordinal) + 1)..]
            : text;
        byte[] head = new byte[Looked];
        return Convert.TryFromBase64String(base64[..(base64.Length / 4 * 4)], head, out int count) ? head.AsSpan(0, count) : [];
    }
}
