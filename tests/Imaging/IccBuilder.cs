using System.Buffers.Binary;
using System.Text;

namespace Generation.Imaging.Tests;

/// <summary>
/// Makes ICC profiles of the forms that pictures carry, and says what they do to colours. ICC.1:2001-04, sections 6.1 to 6.5.
/// </summary>
internal static class IccBuilder
{
    /// <summary>Linear sRGB to XYZ under the profile connection space's white (D50), by columns: red, green, blue.</summary>
    private static readonly double[,] SrgbToXyz =
    {
        { 0.43607, 0.38515, 0.14307 },
        { 0.22249, 0.71687, 0.06061 },
        { 0.01392, 0.09708, 0.71410 },
    };

    private static readonly double[,] P3ToXyz =
    {
        { 0.51512, 0.29198, 0.15710 },
        { 0.24120, 0.69225, 0.06657 },
        { -0.00105, 0.04189, 0.78407 },
    };

    private static readonly double[,] AdobeToXyz =
    {
        { 0.60974, 0.20528, 0.14919 },
        { 0.31111, 0.62567, 0.06322 },
        { 0.01947, 0.06087, 0.74457 },
    };

    /// <summary>Display P3 with its curve as a table of 1,024 entries, as telephones and displays have it.</summary>
    public static byte[] DisplayP3 { get; } = Rgb(P3ToXyz, Curve(Linear));

    /// <summary>Adobe RGB (1998), whose curve is a power.</summary>
    public static byte[] AdobeRgb { get; } = Rgb(AdobeToXyz, Gamma(563));

    public static byte[] Srgb { get; } = Rgb(SrgbToXyz, Curve(Linear));

    /// <summary>sRGB with red and green exchanged: what nobody can overlook.</summary>
    public static byte[] Exchanged { get; } =
        Rgb(
            new[,]
            {
                { 0.38515, 0.43607, 0.14307 },
                { 0.71687, 0.22249, 0.06061 },
                { 0.09708, 0.01392, 0.71410 },
            },
            Curve(Linear)
        );

    /// <summary>Grey in linear light.</summary>
    public static byte[] LinearGrey { get; } = Build("mntr", "GRAY", "XYZ ", [("kTRC", Gamma(256)), ("wtpt", Xyz(0.9642, 1, 0.8249))]);

    /// <summary>
    /// A profile for printing, whose table has one colour at each of its corners: the paper but for all of black, which is red.
    /// </summary>
    public static byte[] RedInk { get; } =
        Build(
            "prtr",
            "CMYK",
            "Lab ",
            [("A2B0", Table(4, corner => (corner & 1) == 0 ? [0xFF00, 0x8000, 0x8000] : [0x8A00, 0xD000, 0xC600]))]
        );

    /// <summary>A table for RGB, too, which makes every colour the same middle grey.</summary>
    public static byte[] AllGrey { get; } = Build("scnr", "RGB ", "Lab ", [("A2B0", Table(3, _ => [0x8000, 0x8000, 0x8000]))]);

    /// <summary>The profile with <paramref name="bytes"/> more in it that mean nothing.</summary>
    public static byte[] Larger(byte[] profile, int bytes)
    {
        byte[] larger = [.. profile, .. new byte[bytes]];
        new Random(3).NextBytes(larger.AsSpan(profile.Length));
        BinaryPrimitives.WriteInt32BigEndian(larger, larger.Length);
        return larger;
    }

    /// <summary>A colour of Display P3 in sRGB, by the definitions.</summary>
    public static byte[] FromP3(ReadOnlySpan<byte> colour) => ToSrgb(P3ToXyz, colour, Linear);

    /// <summary>A colour of Adobe RGB in sRGB, by the definitions.</summary>
    public static byte[] FromAdobe(ReadOnlySpan<byte> colour) => ToSrgb(AdobeToXyz, colour, value => Math.Pow(value, 563 / 256.0));

    /// <summary>A sample in linear light as sRGB codes it.</summary>
    public static byte Coded(double linear) =>
        (byte)Math.Round(255 * Math.Clamp(linear <= 0.0031308 ? 12.92 * linear : (1.055 * Math.Pow(linear, 1 / 2.4)) - 0.055, 0, 1));

    private static double Linear(double coded) => coded <= 0.04045 ? coded / 12.92 : Math.Pow((coded + 0.055) / 1.055, 2.4);

    private static byte[] ToSrgb(double[,] toXyz, ReadOnlySpan<byte> colour, Func<double, double> linear)
    {
        double[] light = [linear(colour[0] / 255.0), linear(colour[1] / 255.0), linear(colour[2] / 255.0)];
        double[] xyz =
        [
            .. Enumerable.Range(0, 3).Select(i => (toXyz[i, 0] * light[0]) + (toXyz[i, 1] * light[1]) + (toXyz[i, 2] * light[2])),
        ];
        // The inverse of SrgbToXyz
        return
        [
            Coded((3.13416 * xyz[0]) - (1.61722 * xyz[1]) - (0.49063 * xyz[2])),
            Coded((-0.97875 * xyz[0]) + (1.91613 * xyz[1]) + (0.03345 * xyz[2])),
            Coded((0.07194 * xyz[0]) - (0.22897 * xyz[1]) + (1.40521 * xyz[2])),
        ];
    }

    private static byte[] Rgb(double[,] toXyz, byte[] curve) =>
        Build(
            "mntr",
            "RGB ",
            "XYZ ",
            [
                ("rXYZ", Xyz(toXyz[0, 0], toXyz[1, 0], toXyz[2, 0])),
                ("gXYZ", Xyz(toXyz[0, 1], toXyz[1, 1], toXyz[2, 1])),
                ("bXYZ", Xyz(toXyz[0, 2], toXyz[1, 2], toXyz[2, 2])),
                ("rTRC", curve),
                ("gTRC", curve),
                ("bTRC", curve),
                ("wtpt", Xyz(0.9642, 1, 0.8249)),
            ]
        );

    private static byte[] Build(string kind, string space, string connection, (string Name, byte[] Data)[] tags)
    {
        using var body = new MemoryStream();
        using var table = new MemoryStream();
        int start = 132 + (12 * tags.Length);
        foreach ((string name, byte[] data) in tags)
        {
            table.Write([.. Encoding.ASCII.GetBytes(name), .. Big(start + (int)body.Length), .. Big(data.Length)]);
            body.Write(data);
            body.Write(new byte[-data.Length & 3]);
        }

        byte[] header = new byte[128];
        Big(start + (int)body.Length).CopyTo(header, 0);
        header[8] = 2;
        header[9] = 0x40;
        Encoding.ASCII.GetBytes(kind + space + connection).CopyTo(header, 12);
        "acsp"u8.CopyTo(header.AsSpan(36));
        Xyz(0.9642, 1, 0.8249).AsSpan(8).CopyTo(header.AsSpan(68));
        return [.. header, .. Big(tags.Length), .. table.ToArray(), .. body.ToArray()];
    }

    private static byte[] Xyz(double x, double y, double z) =>
        [.. "XYZ \0\0\0\0"u8, .. Big((int)Math.Round(x * 65536)), .. Big((int)Math.Round(y * 65536)), .. Big((int)Math.Round(z * 65536))];

    /// <param name="in256ths">The power, in 1/256.</param>
    private static byte[] Gamma(int in256ths) => [.. "curv\0\0\0\0"u8, .. Big(1), .. Big16(in256ths)];

    private static byte[] Curve(Func<double, double> curve) =>
        [
            .. "curv\0\0\0\0"u8,
            .. Big(1024),
            .. Enumerable.Range(0, 1024).SelectMany(i => Big16((int)Math.Round(65535 * curve(i / 1023.0)))),
        ];

    /// <summary>
    /// A lut16Type of <paramref name="inputs"/> samples with two steps along each, straight curves, and three values at each corner.
    /// </summary>
    /// <param name="value">Lab values of a corner; its bits say which samples are full, the last sample in the lowest.</param>
    private static byte[] Table(int inputs, Func<int, int[]> value)
    {
        byte[] straight = [.. Big16(0), .. Big16(65535)];
        return
        [
            .. "mft2\0\0\0\0"u8,
            (byte)inputs,
            3,
            2,
            0,
            .. new[] { 1, 0, 0, 0, 1, 0, 0, 0, 1 }.SelectMany(v => Big(v << 16)),
            .. Big16(2),
            .. Big16(2),
            .. Enumerable.Repeat(straight, inputs).SelectMany(b => b),
            .. Enumerable.Range(0, 1 << inputs).SelectMany(corner => value(corner).SelectMany(Big16)),
            .. Enumerable.Repeat(straight, 3).SelectMany(b => b),
        ];
    }

    private static byte[] Big(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    private static byte[] Big16(int value) => [(byte)(value >> 8), (byte)value];
}
