using System.Diagnostics;
using Generation.Imaging.Codecs;
using Generation.Imaging.Jpeg;

namespace Generation.Imaging.Tests;

/// <summary>JPEG files as other programs write them, and broken ones.</summary>
public sealed class JpegKindsTests
{
    [TestCase("sequential.jpg")]
    [TestCase("progressive.jpg")]
    [TestCase("restart.jpg")]
    [TestCase("arithmetic.jpg")]
    [TestCase("cmyk.jpg")]
    [TestCase("ycck.jpg")]
    public void Decode_OfEveryKind_ShowsThePicture(string name)
    {
        Picture expected = PictureCodec.Decode(Tagged.Sample("picture.png"));
        Picture picture = JpegCodec.Decode(Tagged.Sample(name));
        Assert.That((picture.Width, picture.Height, picture.Channels), Is.EqualTo((48, 40, 3)));
        Assert.That(expected.Bytes.Zip(picture.Bytes, (a, b) => Math.Abs(a - b)).Average(), Is.LessThan(8));
    }

    [Test]
    public void Decode_OfProgressive_IsTheSameAsSequential() =>
        Assert.That(
            JpegCodec.Decode(Tagged.Sample("progressive.jpg")).Bytes,
            Is.EqualTo(JpegCodec.Decode(Tagged.Sample("sequential.jpg")).Bytes)
        );

    [Test]
    public void Decode_OfGrey_HasOneChannel()
    {
        Picture expected = PictureCodec.Decode(Tagged.Sample("picture.png")).ToGrey();
        Picture picture = JpegCodec.Decode(Tagged.Sample("grey.jpg"));
        Assert.That(picture.Channels, Is.EqualTo(1));
        Assert.That(expected.Bytes.Zip(picture.Bytes, (a, b) => Math.Abs(a - b)).Average(), Is.LessThan(4));
    }

    [Test]
    public void Encode_OfGrey_StaysGrey() =>
        Assert.That(JpegCodec.Decode(JpegCodec.Encode(Pictures.Make(20, 10, 1, smooth: true, seed: 1), 90)).Channels, Is.EqualTo(1));

    [Test]
    public void Encode_WithHighQuality_KeepsColoursWhole([Values(80, 90)] int quality)
    {
        JpegComponent brightness = JpegFile
            .Read(JpegCodec.Encode(Pictures.Make(20, 10, 3, smooth: true, seed: 1), quality), PictureLimits.Default)
            .Frame.Components[0];
        Assert.That((brightness.Across, brightness.Down), Is.EqualTo(quality >= 90 ? (1, 1) : (2, 2)));
    }

    [TestCase("sequential.jpg")]
    [TestCase("progressive.jpg")]
    [TestCase("arithmetic.jpg")]
    public void Decode_WithBytesAfterItsEnd_ShowsThePicture(string name)
    {
        byte[] file = Tagged.Sample(name);
        Assert.That(JpegCodec.Decode([.. file, .. new byte[400]]).Bytes, Is.EqualTo(JpegCodec.Decode(file).Bytes));
        Assert.That(
            JpegCodec.Decode([.. file, .. file]).Bytes,
            Is.EqualTo(JpegCodec.Decode(file).Bytes),
            "a second picture, as telephones write it"
        );
    }

    [TestCase("sequential.jpg")]
    [TestCase("progressive.jpg")]
    [TestCase("restart.jpg")]
    [TestCase("arithmetic.jpg")]
    [TestCase("grey.jpg")]
    [TestCase("cmyk.jpg")]
    public void Decode_OfFileCutAnywhere_IsRefused(string name)
    {
        byte[] file = Tagged.Sample(name);
        for (int length = 0; length < file.Length; length++)
        {
            PictureException error = Assert.Throws<PictureException>(
                () => JpegCodec.Decode(file.AsSpan(0, length)),
                $"cut to {length} bytes"
            )!;
            Assert.That(error.Fault, Is.EqualTo(length < 4 ? PictureFault.NotAPicture : PictureFault.Damaged));
        }
    }

    [TestCase("sequential.jpg")]
    [TestCase("restart.jpg")]
    [TestCase("cmyk.jpg")]
    public void Decode_OfFileCutAndClosedAgain_IsRefused(string name)
    {
        byte[] file = Tagged.Sample(name);
        var jpeg = JpegFile.Read(file, PictureLimits.Default);
        JpegSegment scan = jpeg.Segments[^1];
        for (int length = scan.Offset + scan.Length; length < jpeg.End; length++)
        {
            Assert.That(
                () => JpegCodec.Decode([.. file[..length], 0xFF, 0xD9]),
                Throws.TypeOf<PictureException>().With.Message.Contains("ends early"),
                $"cut to {length} bytes of {file.Length}"
            );
        }
    }

    [TestCase("progressive.jpg")]
    [TestCase("grey.jpg")]
    public void Decode_OfProgressiveFileCutWithinAScanAndClosedAgain_IsRefused(string name)
    {
        byte[] file = Tagged.Sample(name);
        var jpeg = JpegFile.Read(file, PictureLimits.Default);
        for (int i = 0; i < jpeg.Segments.Count; i++)
        {
            JpegSegment scan = jpeg.Segments[i];
            int end = i + 1 < jpeg.Segments.Count ? jpeg.Segments[i + 1].Offset - 4 : jpeg.End;
            for (int length = scan.Offset + scan.Length; scan.Marker == JpegSegment.StartOfScan && length < end; length++)
            {
                Assert.That(
                    () => JpegCodec.Decode([.. file[..length], 0xFF, 0xD9]),
                    Throws.TypeOf<PictureException>().With.Property("Fault").EqualTo(PictureFault.Damaged),
                    $"cut to {length} bytes of {file.Length}"
                );
            }
        }
    }

    [Test]
    public void Decode_OfDataWithCodesThatDoNotExist_IsRefused()
    {
        byte[] file = Tagged.Sample("sequential.jpg");
        JpegSegment scan = JpegFile.Read(file, PictureLimits.Default).Segments[^1];
        // Nothing but ones is no code of any table; a zero after 0xFF is not data
        for (int i = scan.Offset + scan.Length + 40; i < scan.Offset + scan.Length + 80; i += 2)
        {
            (file[i], file[i + 1]) = (0xFF, 0x00);
        }

        Assert.That(() => JpegCodec.Decode(file), Throws.TypeOf<PictureException>().With.Message.Contains("does not exist"));
    }

    private static IEnumerable<TestCaseData> Broken()
    {
        byte[] sound = Tagged.Sample("sequential.jpg");
        int frame = sound.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        int scan = sound.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        int tables = sound.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC4]);
        yield return Case("no data", [.. sound[..scan], 0xFF, 0xD9], "no picture data");
        yield return Case("no frame", [.. sound[..frame], .. sound[tables..]], "before its size");
        yield return Case("two frames", [.. sound[..tables], .. sound[frame..]], "second frame");
        yield return Case("no tables", [.. sound[..tables], .. sound[scan..]], "not there");
        yield return Case("12 bits", Changed(frame + 4, 12), "12 bits");
        yield return Case("two colours", Changed(frame + 9, 2), "2 colours");
        yield return Case("no rows", Changed(frame + 6, 0, frame + 5, 0), "48 x 0");
        yield return Case("without loss", Changed(frame + 1, 0xC3), "without loss");
        yield return Case("sampled 15 times", Changed(frame + 11, 0xF1), "15 x 1");
        yield return Case("unknown colour in its scan", Changed(scan + 5, 77), "77");
        yield return Case("too many codes", Changed(tables + 5, 200), "Huffman table");
        yield return Case(
            "too many scans",
            [.. sound[..scan], .. Enumerable.Repeat(Tagged.Segment(0xDA, [1, 1, 0, 0, 63, 0]), 501).SelectMany(s => s), 0xFF, 0xD9],
            "500 scans"
        );

        byte[] Changed(params int[] changes)
        {
            byte[] file = [.. sound];
            for (int i = 0; i < changes.Length; i += 2)
            {
                file[changes[i]] = (byte)changes[i + 1];
            }

            return file;
        }

        static TestCaseData Case(string name, byte[] file, string word) => new TestCaseData(file, word).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Broken))]
    public void Decode_OfBrokenFile_SaysWhatIsWrong(byte[] file, string word) =>
        Assert.That(
            () => JpegCodec.Decode(file),
            Throws.TypeOf<PictureException>().With.Message.Contains(word).And.Property("Fault").EqualTo(PictureFault.Damaged)
        );

    [Test]
    public void Decode_OfOneColourOfThree_IsRefused()
    {
        byte[] file = Tagged.Sample("grey.jpg");
        int frame = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC2]);
        byte[] three =
        [
            .. file[..frame],
            .. Tagged.Segment(0xC2, [.. file[(frame + 4)..(frame + 9)], 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]),
            .. file[(frame + 13)..],
        ];
        Assert.That(() => JpegCodec.Decode(three), Throws.TypeOf<PictureException>().With.Message.Contains("colours is missing"));
    }

    [TestCase("sequential.jpg", 0xC0)]
    [TestCase("progressive.jpg", 0xC2)]
    public void Decode_OfFileThatClaimsMoreThanItHas_TakesNoMemoryForIt(string name, int marker)
    {
        byte[] file = Tagged.Sample(name);
        int frame = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, (byte)marker]);
        (file[frame + 5], file[frame + 6], file[frame + 7], file[frame + 8]) = (0x17, 0x70, 0x17, 0x70);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        long resident = Process.GetCurrentProcess().WorkingSet64;
        Assert.That(() => JpegCodec.Decode(file), Throws.TypeOf<PictureException>().With.Property("Fault").EqualTo(PictureFault.Damaged));
        Assert.That(GC.GetTotalAllocatedBytes(precise: true) - before, Is.LessThan(32 << 20));
        Assert.That(Process.GetCurrentProcess().WorkingSet64 - resident, Is.LessThan(48 << 20));
    }

    [Test]
    public void Decode_OfBytesChangedAtRandom_NeverFailsOtherwise(
        [Values("sequential.jpg", "progressive.jpg", "restart.jpg", "arithmetic.jpg", "cmyk.jpg", "ycck.jpg")] string name
    )
    {
        byte[] sound = Tagged.Sample(name);
        var random = new Random(11);
        for (int i = 0; i < 600; i++)
        {
            byte[] file = [.. sound];
            for (int n = random.Next(1, 5); n > 0; n--)
            {
                file[random.Next(file.Length)] = (byte)random.Next(256);
            }

            try
            {
                JpegCodec.Decode(file, new PictureLimits { MaxPixels = 1_000_000 });
            }
            catch (PictureException)
            {
                // A clear refusal is the other right answer
            }
        }
    }
}
