using System.Buffers.Binary;
using Generation.Imaging.Codecs;
using Generation.Imaging.Png;

namespace Generation.Imaging.Tests;

/// <summary>What a file says of the meaning of its samples: they come out in sRGB.</summary>
public sealed class ColourProfileTests
{
    [Test]
    public void Decode_WithProfile_GivesSrgb(
        [Values] PictureFormat format,
        [Values("P3", "Adobe")] string profile,
        [Values(3, 4)] int channels
    )
    {
        byte[] file = PictureCodec.Encode(Colourful(channels), format, 95);
        Picture stored = PictureCodec.Decode(file);
        Picture shown = PictureCodec.Decode(Tagged.WithProfile(file, profile == "P3" ? IccBuilder.DisplayP3 : IccBuilder.AdobeRgb));
        Assert.That(shown.Channels, Is.EqualTo(stored.Channels));
        int changed = 0;
        for (int y = 0; y < stored.Height; y++)
        {
            for (int x = 0; x < stored.Width; x++)
            {
                byte[] from = stored.Pixel(x, y).ToArray();
                byte[] expected = profile == "P3" ? IccBuilder.FromP3(from) : IccBuilder.FromAdobe(from);
                byte[] actual = shown.Pixel(x, y).ToArray();
                for (int c = 0; c < 3; c++)
                {
                    Assert.That(
                        actual[c],
                        Is.EqualTo(expected[c]).Within(1),
                        $"channel {c} at ({x}, {y}), stored as {string.Join(", ", from)}"
                    );
                    changed += Math.Abs(actual[c] - from[c]) > 2 ? 1 : 0;
                }

                Assert.That(actual[3..], Is.EqualTo(from[3..]), "alpha");
            }
        }

        Assert.That(changed, Is.GreaterThan(100), "the profile does something");
    }

    [Test]
    public void Decode_WithProfileOfSrgb_LeavesThePicture([Values] PictureFormat format)
    {
        byte[] file = PictureCodec.Encode(Colourful(3), format, 95);
        Assert.That(
            PictureCodec.Decode(Tagged.WithProfile(file, IccBuilder.Srgb)).Bytes,
            Is.EqualTo(PictureCodec.Decode(file).Bytes).Within(1)
        );
    }

    [TestCase(0, 1)]
    [TestCase(0, 8)]
    [TestCase(2, 16)]
    [TestCase(3, 4)]
    [TestCase(4, 8)]
    [TestCase(6, 16)]
    public void Decode_WithProfileInEveryKindOfPng_AppliesIt(int colourType, int bitDepth)
    {
        byte[] png = PngBuilder.Random(20, 12, colourType, bitDepth, interlaced: true, seed: 4).Build();
        bool grey = colourType is 0 or 4;
        Picture stored = PngCodec.Decode(png);
        Picture shown = PngCodec.Decode(Tagged.WithProfile(png, grey ? IccBuilder.LinearGrey : IccBuilder.DisplayP3));
        Assert.That(shown.Channels, Is.EqualTo(stored.Channels));
        for (int i = 0; i < stored.Bytes.Length; i += stored.Channels)
        {
            byte[] from = stored.Bytes[i..(i + stored.Channels)];
            byte[] expected = grey
                ? [.. from.Select((v, c) => c == 3 ? v : IccBuilder.Coded(v / 255.0))]
                : [.. IccBuilder.FromP3(from), .. from[3..]];
            Assert.That(shown.Bytes[i..(i + stored.Channels)], Is.EqualTo(expected).Within(1));
        }
    }

    [Test]
    public void Decode_OfGreyJpegWithProfile_AppliesIt()
    {
        byte[] file = Tagged.Sample("grey.jpg");
        Picture stored = PictureCodec.Decode(file);
        Picture shown = PictureCodec.Decode(Tagged.WithProfile(file, IccBuilder.LinearGrey));
        Assert.That(shown.Channels, Is.EqualTo(1));
        Assert.That(shown.Bytes, Is.EqualTo(stored.Bytes.Select(v => IccBuilder.Coded(v / 255.0))).Within(1));
    }

    [Test]
    public void Decode_WithProfileInSeveralSegments_PutsThemTogether([Values] bool inOrder)
    {
        byte[] file = PictureCodec.Encode(Colourful(3), PictureFormat.Jpeg, 95);
        byte[] profile = IccBuilder.Larger(IccBuilder.Exchanged, 150_000);
        IEnumerable<byte[]> segments = Tagged.Segments(profile);
        Assert.That(segments.Count(), Is.EqualTo(3));
        Picture shown = PictureCodec.Decode([.. file[..2], .. (inOrder ? segments : segments.Reverse()).SelectMany(s => s), .. file[2..]]);
        Assert.That(shown.Bytes, Is.EqualTo(Exchange(PictureCodec.Decode(file)).Bytes).Within(1));

        Picture without = PictureCodec.Decode([.. file[..2], .. segments.Skip(1).SelectMany(s => s), .. file[2..]]);
        Assert.That(without.Bytes, Is.EqualTo(PictureCodec.Decode(file).Bytes), "a profile of which a part is missing is passed over");
    }

    [Test]
    public void Decode_WithTable_AppliesIt([Values] PictureFormat format)
    {
        byte[] file = PictureCodec.Encode(Colourful(3), format, 95);
        // L* of 50 is a grey of 119 in sRGB
        Assert.That(PictureCodec.Decode(Tagged.WithProfile(file, IccBuilder.AllGrey)).Bytes, Is.All.EqualTo(119).Within(2));
    }

    [TestCase("cmyk.jpg")]
    [TestCase("ycck.jpg")]
    public void Decode_OfPrintColoursWithProfile_AppliesIt(string name)
    {
        // All inks are full but black, whose ink is red: the picture is where there is no black
        Picture shown = PictureCodec.Decode(Tagged.WithProfile(Tagged.Sample(name), IccBuilder.RedInk));
        Assert.That(shown.Channels, Is.EqualTo(3));
        Assert.That(shown.Bytes, Is.All.GreaterThan(250), "paper");
    }

    [Test]
    public void Decode_WithBrokenProfile_PassesItOver(
        [Values] PictureFormat format,
        [Values("noise", "cut", "empty", "of print", "grey")] string what
    )
    {
        byte[] noise = new byte[600];
        new Random(2).NextBytes(noise);
        byte[] profile = what switch
        {
            "noise" => noise,
            "cut" => IccBuilder.DisplayP3[..300],
            "empty" => [],
            "of print" => IccBuilder.RedInk,
            _ => IccBuilder.LinearGrey,
        };
        byte[] file = PictureCodec.Encode(Colourful(3), format, 95);
        Assert.That(PictureCodec.Decode(Tagged.WithProfile(file, profile)).Bytes, Is.EqualTo(PictureCodec.Decode(file).Bytes));
    }

    [Test]
    public void Decode_OfGreyPictureWithProfileForColours_KeepsIt([Values(PictureFormat.Png, PictureFormat.Jpeg)] PictureFormat format)
    {
        byte[] file = PictureCodec.Encode(Pictures.Make(20, 20, 1, smooth: true, seed: 2), format);
        Picture shown = PictureCodec.Decode(Tagged.WithProfile(file, IccBuilder.Srgb));
        Assert.That(shown.Channels, Is.EqualTo(1));
        Assert.That(shown.Bytes, Is.EqualTo(PictureCodec.Decode(file).Bytes).Within(1));
    }

    [Test]
    public void Decode_OfPngWithGamma_AppliesIt()
    {
        byte[] png = Ramp();
        byte[] linear = Tagged.WithChunk(png, "gAMA", Numbers(100_000));
        byte[] expected = [.. PngCodec.Decode(png).Bytes.Select(v => IccBuilder.Coded(v / 255.0))];
        Assert.That(PngCodec.Decode(linear).Bytes, Is.EqualTo(expected).Within(1));
        Assert.That(
            PngCodec.Decode(Tagged.WithChunk(linear, "sRGB", [0])).Bytes,
            Is.EqualTo(PngCodec.Decode(png).Bytes),
            "sRGB is stronger"
        );
    }

    [TestCase(45_455, false)]
    [TestCase(45_455, true)]
    [TestCase(0, false)]
    public void Decode_OfPngWithGammaOfSrgb_LeavesThePicture(int gamma, bool chromaticities)
    {
        byte[] png = Ramp();
        byte[] file = Tagged.WithChunk(png, "gAMA", Numbers(gamma));
        file = chromaticities
            ? Tagged.WithChunk(file, "cHRM", Numbers(31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000))
            : file;
        Assert.That(PngCodec.Decode(file).Bytes, Is.EqualTo(PngCodec.Decode(png).Bytes));
    }

    [Test]
    public void Decode_OfPngWithChromaticitiesOfAdobeRgb_AppliesThem()
    {
        byte[] png = Tagged.WithoutChunk(PngCodec.Encode(Colourful(3)), "sRGB");
        byte[] file = Tagged.WithChunk(png, "gAMA", Numbers(45_471));
        file = Tagged.WithChunk(file, "cHRM", Numbers(31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000));
        Assert.That(
            PngCodec.Decode(file).Bytes,
            Is.EqualTo(ByPixel(PngCodec.Decode(png), colour => IccBuilder.FromAdobe(colour))).Within(2)
        );
    }

    [Test]
    public void Decode_OfPngWithCodePoints_AppliesThemBeforeAllOthers()
    {
        byte[] png = Tagged.WithoutChunk(PngCodec.Encode(Colourful(3)), "sRGB");
        // Display P3 with the curve of sRGB, in RGB of the full range: ITU-T H.273
        byte[] file = Tagged.WithChunk(png, "cICP", [12, 13, 0, 1]);
        byte[] expected = ByPixel(PngCodec.Decode(png), colour => IccBuilder.FromP3(colour));
        Assert.That(PngCodec.Decode(file).Bytes, Is.EqualTo(expected).Within(1));
        Assert.That(
            PngCodec.Decode(Tagged.WithProfile(file, IccBuilder.Exchanged)).Bytes,
            Is.EqualTo(expected).Within(1),
            "stronger than a profile"
        );
        Assert.That(
            PngCodec.Decode(Tagged.WithChunk(png, "cICP", [1, 13, 0, 1])).Bytes,
            Is.EqualTo(PngCodec.Decode(png).Bytes).Within(1),
            "sRGB itself"
        );
        foreach (byte[] unknown in new byte[][] { [200, 13, 0, 1], [12, 200, 0, 1], [12, 13, 1, 1], [12, 13, 0, 0], [12, 13, 0], [] })
        {
            Assert.That(
                PngCodec.Decode(Tagged.WithChunk(png, "cICP", unknown)).Bytes,
                Is.EqualTo(PngCodec.Decode(png).Bytes),
                string.Join(", ", unknown)
            );
        }
    }

    [Test]
    public void Encode_SaysNothingOfColoursThatCouldChangeThem([Values] PictureFormat format)
    {
        ReadOnlySpan<byte> file = PictureCodec.Encode(Colourful(3), format);
        Assert.That(file.IndexOf("ICC"u8) < 0 && file.IndexOf("iCCP"u8) < 0 && file.IndexOf("gAMA"u8) < 0);
    }

    private static byte[] Ramp() =>
        new PngBuilder
        {
            Width = 256,
            Height = 1,
            Samples = [.. Enumerable.Range(0, 256).Select(v => (ushort)v)],
        }.Build();

    private static byte[] Numbers(params int[] values)
    {
        byte[] data = new byte[4 * values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(4 * i), values[i]);
        }

        return data;
    }

    private static byte[] ByPixel(Picture picture, Func<byte[], byte[]> change) => [.. picture.Bytes.Chunk(3).SelectMany(change)];

    private static Picture Exchange(Picture picture) => new(picture.Width, picture.Height, 3, ByPixel(picture, p => [p[1], p[0], p[2]]));

    private static Picture Colourful(int channels)
    {
        var picture = new Picture(32, 32, channels);
        for (int y = 0; y < 32; y++)
        {
            for (int x = 0; x < 32; x++)
            {
                byte[] colour = [(byte)(x * 8), (byte)(y * 8), (byte)(255 - (x * 4) - (y * 4)), (byte)(255 - (x * 3))];
                colour.AsSpan(0, channels).CopyTo(picture.Pixel(x, y));
            }
        }

        return picture;
    }
}
