using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Generation.Imaging.Codecs;
using Generation.Imaging.Exif;
using Generation.Imaging.Jpeg;
using Generation.Imaging.Png;
using Generation.Imaging.WebP;

namespace Generation.Imaging.Tests;

/// <summary>What all formats have in common.</summary>
public sealed class PictureCodecTests
{
    [Test]
    public void Decode_OfEncode_IsNearThePicture([Values] PictureFormat format, [Values(1, 3, 4)] int channels)
    {
        Picture picture = Smooth(61, 47, channels);
        Picture back = PictureCodec.Decode(PictureCodec.Encode(picture, format, quality: 95));
        Assert.That((back.Width, back.Height), Is.EqualTo((61, 47)));
        byte[] expected = picture.ToRgb().Bytes;
        byte[] actual = back.ToRgb().Bytes;
        Assert.That(expected.Zip(actual, (a, b) => Math.Abs(a - b)).Average(), Is.LessThan(4));
        Assert.That(back.Channels == 4, Is.EqualTo(channels == 4 && format != PictureFormat.Jpeg));
    }

    [Test]
    public void Encode_Twice_GivesTheSameBytes([Values] PictureFormat format) =>
        Check.QuickThrowOnFailure(
            Prop.ForAll(Pictures.Any, picture =>
                PictureCodec.Encode(picture, format, 80, "words").AsSpan().SequenceEqual(PictureCodec.Encode(picture, format, 80, "words"))
            )
        );

    [Test]
    public void Encode_WithParameters_CanBeReadAndSeen([Values] PictureFormat format, [Values(3, 4)] int channels, [Values] bool odd)
    {
        string parameters = odd ? "a caf\u00e9, \u7d05\nSteps: 25" : "an apple";
        Picture picture = Smooth(33, 20, channels);
        byte[] file = PictureCodec.Encode(picture, format, 90, parameters);
        string? read = format switch
        {
            PictureFormat.Png => PngText.Read(file).Single().Text,
            PictureFormat.Jpeg => ExifBlock.ReadUserComment(
                JpegFile.Read(file, PictureLimits.Default).Segments.Single(s => s.Marker == JpegSegment.App1).Data(file)[6..]
            ),
            _ => ExifBlock.ReadUserComment(WebPFile.Find(file, "EXIF"u8)),
        };
        Assert.That(read, Is.EqualTo(parameters));
        Assert.That(PictureCodec.Decode(file).Bytes, Is.EqualTo(PictureCodec.Decode(PictureCodec.Encode(picture, format, 90)).Bytes));
    }

    [Test]
    public void Detect_LooksAtContent([Values] PictureFormat format) =>
        Assert.That(PictureFormats.Detect(PictureCodec.Encode(new Picture(3, 3, 3), format)), Is.EqualTo(format));

    [Test]
    public void Decode_OfAnythingElse_SaysWhatIsRead() =>
        Assert.That(
            () => PictureCodec.Decode("GIF89a..........."u8),
            Throws
                .TypeOf<PictureException>()
                .With.Message.Contains("PNG, JPEG or WebP")
                .And.Property("Fault")
                .EqualTo(PictureFault.NotAPicture)
        );

    [TestCase("GIF89a", "a GIF picture")]
    [TestCase("BM6000", "a BMP picture")]
    [TestCase("II*\0....", "a TIFF picture or a camera's raw file")]
    [TestCase("\0\0\0\u001Cftypavif....", "an AVIF picture")]
    [TestCase("\0\0\0\u0018ftypheic....", "an HEIC picture")]
    [TestCase("\0\0\0\u0018ftypmp42....", "a video")]
    [TestCase("%PDF-1.7", "a PDF document")]
    [TestCase("\n <!DOCTYPE html><title>404</title>", "a web page")]
    [TestCase("<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing or other XML")]
    [TestCase("{\"error\":1}", "JSON")]
    [TestCase("", "empty")]
    [TestCase("hello", "something else")]
    public void Check_OfAnythingElse_SaysWhatItIs(string file, string what) =>
        Assert.That(
            () => PictureCodec.Check(Encoding.Latin1.GetBytes(file)),
            Throws.TypeOf<PictureException>().With.Message.Contains($"but {what};")
        );

    private static IEnumerable<TestCaseData> Pngs() =>
        from kind in (IEnumerable<(int, int)>)
            [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 8), (4, 8), (4, 16), (6, 16)]
        from interlaced in (bool[])[false, true]
        from width in (int[])[1, 7, 20]
        select new TestCaseData(kind.Item1, kind.Item2, interlaced, width);

    [TestCaseSource(nameof(Pngs))]
    public void Check_OfEveryKindOfPng_TellsWhetherAllRowsAreThere(int colourType, int bitDepth, bool interlaced, int width)
    {
        var png = PngBuilder.Random(width, 9, colourType, bitDepth, interlaced, seed: 1);
        byte[] rows = png.Rows();
        Assert.That(PictureCodec.Check(png.Build()), Is.EqualTo(PictureFormat.Png));
        Assert.That(PictureCodec.Check(png.Build([.. rows, 1, 2, 3])), Is.EqualTo(PictureFormat.Png), "more than the rows");
        Assert.That(() => PictureCodec.Check(png.Build(rows[..^1])), Throws.TypeOf<PictureException>().With.Message.Contains("ends early"));
        Assert.That(
            () => PictureCodec.Check(png.Build([7, .. rows[1..]])),
            Throws.TypeOf<PictureException>().With.Message.Contains("filter 7")
        );
    }

    [TestCase(0)]
    [TestCase(101)]
    public void Encode_WithQualityOutOfRange_IsRefused(int quality) =>
        Assert.That(
            () => PictureCodec.Encode(new Picture(1, 1, 3), PictureFormat.Jpeg, quality),
            Throws.TypeOf<ArgumentOutOfRangeException>()
        );

    [TestCase("png", PictureFormat.Png)]
    [TestCase("JPG", PictureFormat.Jpeg)]
    [TestCase("jpeg", PictureFormat.Jpeg)]
    [TestCase("webp", PictureFormat.WebP)]
    [TestCase("gif", null)]
    public void Find_ByName_KnowsTheFormats(string name, PictureFormat? format) =>
        Assert.That(PictureFormats.Find(name), Is.EqualTo(format));

    [Test]
    public void Decode_OfSizeOverTheLimit_IsRefusedFromTheHeader([Values] PictureFormat format)
    {
        byte[] file = PictureCodec.Encode(new Picture(300, 200, 3), format);
        Assert.That(
            () => PictureCodec.Decode(file, new PictureLimits { MaxPixels = 59_999 }),
            Throws
                .TypeOf<PictureException>()
                .With.Message.Contains("300 x 200")
                .And.Message.Contains("59999")
                .And.Property("Fault")
                .EqualTo(PictureFault.TooLarge)
        );
        Assert.That(
            () => PictureCodec.Decode(file, new PictureLimits { MaxSide = 299 }),
            Throws.TypeOf<PictureException>().With.Property("Fault").EqualTo(PictureFault.TooLarge)
        );
        Assert.That(
            () => PictureCodec.Decode(file, new PictureLimits { MaxBytes = 20 }),
            Throws.TypeOf<PictureException>().With.Property("Fault").EqualTo(PictureFault.TooLarge)
        );
    }

    [Test]
    public void Decode_OfFileCutInTheMiddle_IsRefused([Values] PictureFormat format)
    {
        byte[] file = PictureCodec.Encode(Pictures.Make(64, 64, 3, smooth: false, seed: 3), format);
        foreach (int part in new[] { 2, 3, 5, 10, 50 })
        {
            Assert.That(
                () => PictureCodec.Decode(file.AsSpan(0, file.Length * (part - 1) / part)),
                Throws.TypeOf<PictureException>(),
                $"{part - 1}/{part} of the file"
            );
        }
    }

    [Test]
    public void Decode_OfBytesChangedAtRandom_NeverFailsOtherwise([Values] PictureFormat format)
    {
        var random = new Random(7);
        byte[][] seeds =
        [
            PictureCodec.Encode(Smooth(40, 30, 3), format, 80, "words"),
            PictureCodec.Encode(Smooth(17, 23, 4), format, 30),
            PictureCodec.Encode(Pictures.Make(16, 16, 1, smooth: false, seed: 1), format, 60),
        ];
        var limits = new PictureLimits { MaxPixels = 4_000_000 };
        for (int i = 0; i < 4000; i++)
        {
            byte[] file = [.. seeds[random.Next(seeds.Length)]];
            for (int n = random.Next(1, 6); n > 0; n--)
            {
                file[random.Next(file.Length)] = (byte)random.Next(256);
            }

            try
            {
                PictureCodec.Decode(file, limits);
            }
            catch (PictureException)
            {
                // A clear refusal is the other right answer
            }
        }
    }

    [Test]
    public void Decode_WithOrientation_TurnsThePicture([Values] PictureFormat format, [Range(1, 8)] int value, [Values] bool little)
    {
        // Left half dark, right half light, a dark stripe on top: no two orientations look the same
        var upright = new Picture(24, 16, 3);
        for (int y = 0; y < 16; y++)
        {
            for (int x = 0; x < 24; x++)
            {
                upright
                    .Pixel(x, y)
                    .Fill(
                        (byte)(
                            y < 4 ? 100
                            : x < 12 ? 0
                            : 255
                        )
                    );
            }
        }

        byte[] exif = Exif(value, little);
        byte[] plain = PictureCodec.Encode(upright, format, 95);
        byte[] file = format switch
        {
            PictureFormat.Png => [.. plain.AsSpan(0, 33), .. PngBuilder.Chunk("eXIf", exif), .. plain.AsSpan(33)],
            PictureFormat.Jpeg => JpegCodec.Encode(upright, 95, exif),
            _ => WebPCodec.Encode(upright, 95, exif),
        };
        Picture turned = PictureCodec.Decode(file);
        Assert.That((turned.Width, turned.Height), Is.EqualTo(value >= 5 ? (16, 24) : (24, 16)));
        // Where the stripe ends up, and the light half
        (int x, int y) stripe = value switch
        {
            1 or 2 => (12, 1),
            3 or 4 => (12, 14),
            5 or 8 => (1, 12),
            _ => (14, 12),
        };
        (int x, int y) light = value switch
        {
            1 => (20, 10),
            2 => (3, 10),
            3 => (3, 5),
            4 => (20, 5),
            5 => (10, 20),
            6 => (5, 20),
            7 => (5, 3),
            _ => (10, 3),
        };
        Assert.That(turned.Pixel(stripe.x, stripe.y)[0], Is.EqualTo(100).Within(12));
        Assert.That(turned.Pixel(light.x, light.y)[0], Is.GreaterThan(240));
    }

    [Test]
    public void ReadOrientation_OfDamagedBlock_IsUpright()
    {
        byte[] exif = Exif(6, little: true);
        for (int length = 0; length < exif.Length - 4; length++)
        {
            Assert.That(ExifBlock.ReadOrientation(exif.AsSpan(0, length)).Value, Is.AnyOf(1, 6));
        }

        Assert.That(ExifBlock.ReadOrientation(Exif(9, little: false)).Value, Is.EqualTo(1));
        Assert.That(default(Orientation).Value, Is.EqualTo(1));
    }

    private static byte[] Exif(int orientation, bool little) =>
        little
            ? [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0]
            : [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0];

    private static Picture Smooth(int width, int height, int channels)
    {
        var picture = new Picture(width, height, channels);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                Span<byte> pixel = picture.Pixel(x, y);
                pixel[0] = (byte)(x * 255 / width);
                if (channels > 1)
                {
                    pixel[1] = (byte)(y * 255 / height);
                    pixel[2] = 128;
                }

                if (channels == 4)
                {
                    pixel[3] = (byte)(255 - (y * 60 / height));
                }
            }
        }

        return picture;
    }
}
