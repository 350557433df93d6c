using FsCheck;
using FsCheck.Fluent;
using Generation.Imaging.Png;

namespace Generation.Imaging.Tests;

public sealed class PngCodecTests
{
    [Test]
    public void Decode_OfEncode_IsTheSamePicture() =>
        Prop.ForAll(Pictures.Any, picture =>
            {
                Picture back = PngCodec.Decode(PngCodec.Encode(picture));
                return (back.Width, back.Height, back.Channels) == (picture.Width, picture.Height, picture.Channels)
                    && back.Bytes.AsSpan().SequenceEqual(picture.Bytes);
            })
            .QuickCheckThrowOnFailure();

    [Test]
    public void Encode_Twice_GivesTheSameBytes() =>
        Prop.ForAll(Pictures.Any, picture =>
            {
                PngText[] texts = [new("parameters", "a red apple\nSteps: 1")];
                return PngCodec.Encode(picture, texts).AsSpan().SequenceEqual(PngCodec.Encode(picture, texts));
            })
            .QuickCheckThrowOnFailure();

    [Test]
    public void Encode_OfLargeNoise_FitsTheBuffer()
    {
        Picture picture = Pictures.Make(1021, 769, 4, smooth: false, seed: 5);
        Assert.That(PngCodec.Decode(PngCodec.Encode(picture)).Bytes.AsSpan().SequenceEqual(picture.Bytes));
    }

    /// <summary>PNG's colour types with the depths that each of them has.</summary>
    private static IEnumerable<object[]> Kinds =>
        from kind in new (int ColourType, int[] Depths)[]
        {
            (0, [1, 2, 4, 8, 16]),
            (2, [8, 16]),
            (3, [1, 2, 4, 8]),
            (4, [8, 16]),
            (6, [8, 16]),
        }
        from depth in kind.Depths
        from interlaced in new[] { false, true }
        select new object[] { kind.ColourType, depth, interlaced };

    [TestCaseSource(nameof(Kinds))]
    public void Decode_OfEveryKindOfFile_GivesItsSamples(int colourType, int bitDepth, bool interlaced)
    {
        foreach ((int width, int height) in new[] { (1, 1), (3, 5), (17, 9), (64, 33) })
        {
            var png = PngBuilder.Random(width, height, colourType, bitDepth, interlaced, seed: width);
            Picture picture = PngCodec.Decode(png.Build());
            Assert.That(
                (picture.Width, picture.Height, picture.Channels),
                Is.EqualTo(
                    (
                        width,
                        height,
                        colourType switch
                        {
                            0 => 1,
                            2 or 3 => 3,
                            _ => 4,
                        }
                    )
                )
            );
            Assert.That(picture.Bytes, Is.EqualTo(Expected(png)));
        }
    }

    [Test]
    public void Decode_OfPaletteWithTransparency_HasAlpha()
    {
        var png = new PngBuilder
        {
            Width = 3,
            Height = 1,
            ColourType = 3,
            BitDepth = 2,
            Samples = [0, 1, 2],
            Palette = [10, 20, 30, 40, 50, 60, 70, 80, 90],
            Transparency = [0, 128],
        };
        Assert.That(PngCodec.Decode(png.Build()).Bytes, Is.EqualTo(new byte[] { 10, 20, 30, 0, 40, 50, 60, 128, 70, 80, 90, 255 }));
    }

    [Test]
    public void Decode_OfOneTransparentColour_HasAlpha()
    {
        var png = new PngBuilder
        {
            Width = 2,
            Height = 1,
            ColourType = 2,
            Samples = [1, 2, 3, 4, 5, 6],
            Transparency = [0, 4, 0, 5, 0, 6],
        };
        Assert.That(PngCodec.Decode(png.Build()).Bytes, Is.EqualTo(new byte[] { 1, 2, 3, 255, 4, 5, 6, 0 }));
    }

    [Test]
    public void Encode_WithTexts_WritesThemBeforeTheData()
    {
        PngText[] texts = [new("parameters", "a caf\u00e9\nSteps: 25"), new("Comment", "\u7d05\u3044\u308a\u3093\u3054 \U0001F34E")];
        byte[] file = PngCodec.Encode(new Picture(2, 2, 3), texts);
        Assert.That(PngText.Read(file), Is.EqualTo(texts));
        int data = file.AsSpan().IndexOf("IDAT"u8);
        Assert.That(file.AsSpan().IndexOf("tEXtparameters\0a caf\u00e9"u8[..18]), Is.InRange(33, data));
        Assert.That(file.AsSpan().IndexOf("iTXtComment\0\0\0\0\0"u8), Is.InRange(33, data));
        Assert.That(PngCodec.Decode(file).Bytes, Is.EqualTo(new byte[12]));
    }

    [Test]
    public void PngText_WithZerosAndCarriageReturns_IsMadeFit() =>
        Assert.That(new PngText("k", "a\0b\r\nc\rd").Text, Is.EqualTo("ab\nc\nd"));

    [TestCase("")]
    [TestCase(" led")]
    [TestCase("two\nlines")]
    [TestCase("\u7d05")]
    public void PngText_WithBadKeyword_IsRefused(string keyword) => Assert.That(() => new PngText(keyword, "x"), Throws.ArgumentException);

    private static byte[] Expected(PngBuilder png)
    {
        int scale = (1 << png.BitDepth) - 1;
        var bytes = new List<byte>();
        for (int i = 0; i < png.Samples.Length; i += png.SamplesPerPixel)
        {
            byte[] pixel = [.. png.Samples.Skip(i).Take(png.SamplesPerPixel).Select(s => (byte)(((s * 255L) + (scale / 2)) / scale))];
            bytes.AddRange(
                png.ColourType switch
                {
                    3 => png.Palette!.AsSpan(png.Samples[i] * 3, 3).ToArray(),
                    4 => [pixel[0], pixel[0], pixel[0], pixel[1]],
                    _ => pixel,
                }
            );
        }

        return [.. bytes];
    }
}
