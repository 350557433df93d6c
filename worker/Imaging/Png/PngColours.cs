using System.Buffers.Binary;
using SkiaSharp;

namespace Generation.Imaging.Png;

/// <summary>
/// The chunks that give the meaning of a file's samples. Where there are several, the first in this order counts: cICP, iCCP, sRGB, then
/// gAMA with cHRM. PNG specification, third edition, section 4.3. Skia reads all of them but cICP.
/// </summary>
internal sealed class PngColours
{
    /// <summary>
    /// The gAMA value of a picture in sRGB, as the specification requires it; many programs write this one instead of sRGB.
    /// </summary>
    private const int SrgbGamma = 45_455;

    private const int GammaTolerance = 500;

    /// <summary>The smallest gamma, in 1/100,000, that is taken seriously; lower values are ignored.</summary>
    private const uint LeastGamma = 1_000;
    private const uint MostGamma = 1_000_000;
    private const int WhiteTolerance = 100;

    /// <summary>The cHRM values of sRGB, in 1/100,000: white, red, green and blue, x and y of each.</summary>
    private static readonly int[] SrgbChromaticities = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];

    private readonly IReadOnlyList<PngChunk> _chunks;

    private PngColours(IReadOnlyList<PngChunk> chunks, SKColorSpace? codePoints)
    {
        _chunks = chunks;
        CodePoints = codePoints;
    }

    /// <summary>The colours that a cICP chunk names; null where there is none, or its colours are not known.</summary>
    public SKColorSpace? CodePoints { get; }

    /// <summary>Whether the decoder gets the chunk.</summary>
    public bool Has(PngChunk chunk) => _chunks.Contains(chunk);

    public static PngColours Read(PngFile png, ReadOnlySpan<byte> file)
    {
        if (png.Find("cICP") is { } cicp && ReadCodePoints(cicp.Data(file)) is { } colours)
        {
            return new PngColours([], colours);
        }

        if ((png.Find("iCCP") ?? png.Find("sRGB")) is { } profile)
        {
            return new PngColours([profile], null);
        }

        PngChunk? gamma =
            png.Find("gAMA") is { Length: 4 } told
            && BinaryPrimitives.ReadUInt32BigEndian(told.Data(file)) is >= LeastGamma and <= MostGamma
                ? told
                : null;
        PngChunk? chromaticities = png.Find("cHRM");
        return IsSrgb(gamma, chromaticities, file)
            ? new PngColours([], null)
            : new PngColours([.. new[] { gamma, chromaticities }.OfType<PngChunk>()], null);
    }

    /// <summary>Reads the code points of ITU-T H.273, for samples that are RGB and use their full range.</summary>
    private static SKColorSpace? ReadCodePoints(ReadOnlySpan<byte> data)
    {
        if (data.Length != 4 || data[2] != 0 || data[3] != 1)
        {
            return null;
        }

        var primaries = (SKColorspacePrimariesCicp)data[0];
        var transfer = (SKColorspaceTransferFnCicp)data[1];
        return Enum.IsDefined(primaries) && Enum.IsDefined(transfer) ? SKColorSpace.CreateCicp(primaries, transfer) : null;
    }

    private static bool IsSrgb(PngChunk? gamma, PngChunk? chromaticities, ReadOnlySpan<byte> file)
    {
        bool isSrgb = gamma is not { } g || Near(g.Data(file), SrgbGamma, GammaTolerance);
        for (int i = 0; chromaticities is { Length: 32 } c && i < SrgbChromaticities.Length; i++)
        {
            isSrgb &= Near(c.Data(file)[(4 * i)..], SrgbChromaticities[i], WhiteTolerance);
        }

        return isSrgb;
    }

    private static bool Near(ReadOnlySpan<byte> value, int expected, int tolerance) =>
        Math.Abs((long)BinaryPrimitives.ReadUInt32BigEndian(value) - expected) <= tolerance;
}
