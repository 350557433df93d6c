using Generation.Imaging.Codecs;
using Generation.Imaging.WebP;

namespace Generation.Imaging.Tests;

/// <summary>WebP files as other programs write them, and broken ones.</summary>
public sealed class WebPKindsTests
{
    private static byte[] Sound => Tagged.Sample("lossless.webp");

    [Test]
    public void Decode_WithoutLoss_IsThePicture() =>
        Assert.That(WebPCodec.Decode(Sound).Bytes, Is.EqualTo(PictureCodec.Decode(Tagged.Sample("picture.png")).Bytes));

    [Test]
    public void Decode_WithBytesAfterItsEnd_ShowsThePicture([Values(1, 401)] int bytes)
    {
        byte[] more = new byte[bytes];
        Array.Fill(more, (byte)'x');
        Assert.That(WebPCodec.Decode([.. Sound, .. more]).Bytes, Is.EqualTo(WebPCodec.Decode(Sound).Bytes));
    }

    [Test]
    public void Decode_OfAnimation_GivesItsFirstFrame()
    {
        Picture first = WebPCodec.Decode(Tagged.Sample("animated.webp"));
        Assert.That((first.Width, first.Height), Is.EqualTo((24, 20)));
        Assert.That(first.DropAlpha().Bytes.Chunk(3), Is.All.EqualTo(new byte[] { 255, 0, 0 }));
    }

    [Test]
    public void Decode_OfFrameWithinALargerCanvas_IsTransparentAroundIt()
    {
        byte[] bits = Sound[12..];
        byte[] frame =
        [
            .. Tagged.Little24(4),
            .. Tagged.Little24(3),
            .. Tagged.Little24(47),
            .. Tagged.Little24(39),
            .. Tagged.Little24(100),
            0,
            .. bits,
        ];
        byte[] file = Tagged.Riff([
            .. Tagged.RiffChunk("VP8X", [0x02 | 0x10, 0, 0, 0, .. Tagged.Little24(63), .. Tagged.Little24(59)]),
            .. Tagged.RiffChunk("ANIM", [0, 0, 0, 0, 0, 0]),
            .. Tagged.RiffChunk("ANMF", frame),
        ]);
        Picture picture = WebPCodec.Decode(file);
        Assert.That((picture.Width, picture.Height, picture.Channels), Is.EqualTo((64, 60, 4)));
        Assert.That(picture.Crop(8, 6, 48, 40).DropAlpha().Bytes, Is.EqualTo(WebPCodec.Decode(Sound).Bytes));
        Assert.That(picture.Pixel(2, 2)[3], Is.EqualTo(0));
    }

    [TestCase("lossless.webp")]
    [TestCase("animated.webp")]
    public void Decode_OfFileCutAnywhere_IsRefused(string name)
    {
        byte[] file = Tagged.Sample(name);
        for (int length = 0; length < file.Length; length++)
        {
            Assert.Throws<PictureException>(() => WebPCodec.Decode(file.AsSpan(0, length)), $"cut to {length} bytes");
        }
    }

    [Test]
    public void Decode_OfDataCutAndItsLengthsMended_IsRefused([Values] bool lossless)
    {
        byte[] whole = lossless ? Sound : PictureCodec.Encode(Pictures.Make(64, 64, 3, smooth: false, seed: 3), PictureFormat.WebP);
        byte[] data = whole[20..];
        for (int part = 1; part < 10; part++)
        {
            byte[] file = Tagged.Riff(Tagged.RiffChunk(lossless ? "VP8L" : "VP8 ", data[..(data.Length * part / 10)]));
            Assert.That(
                () => WebPCodec.Decode(file),
                Throws.TypeOf<PictureException>().With.Property("Fault").EqualTo(PictureFault.Damaged),
                $"{part}/10 of the data"
            );
        }
    }

    private static IEnumerable<TestCaseData> Broken()
    {
        byte[] extended = Tagged.RiffChunk("VP8X", [0, 0, 0, 0, .. Tagged.Little24(47), .. Tagged.Little24(39)]);
        byte[] picture = Sound[12..];
        yield return Case("no chunks", Tagged.Riff([]), "within its header");
        yield return Case(
            "another chunk first",
            Tagged.Riff([.. Tagged.RiffChunk("EXIF", new byte[20]), .. picture]),
            "header cannot be read"
        );
        yield return Case("no picture", Tagged.Riff(extended), "no picture data");
        yield return Case("chunk beyond the end", Tagged.Riff([.. extended, .. picture[..100]]), "says");
        yield return Case(
            "two sizes",
            Tagged.Riff([.. Tagged.RiffChunk("VP8X", [0, 0, 0, 0, .. Tagged.Little24(20), .. Tagged.Little24(39)]), .. picture]),
            ""
        );
        yield return Case("wrong mark of its data", [.. Sound[..20], 0x2E, .. Sound[21..]], "header cannot be read");

        static TestCaseData Case(string name, byte[] file, string word) => new TestCaseData(file, word).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Broken))]
    public void Decode_OfBrokenFile_SaysWhatIsWrong(byte[] file, string word) =>
        Assert.That(
            () => WebPCodec.Decode(file),
            Throws.TypeOf<PictureException>().With.Message.Contains(word).And.Property("Fault").EqualTo(PictureFault.Damaged)
        );

    [Test]
    public void Decode_OfCanvasOverTheLimit_IsRefusedFromTheHeader()
    {
        byte[] file = Tagged.Riff([
            .. Tagged.RiffChunk("VP8X", [0x02, 0, 0, 0, .. Tagged.Little24(16_777_215), .. Tagged.Little24(39)]),
            .. Sound[12..],
        ]);
        Assert.That(
            () => WebPCodec.Decode(file),
            Throws.TypeOf<PictureException>().With.Message.Contains("16777216 x 40").And.Property("Fault").EqualTo(PictureFault.TooLarge)
        );
    }
}
