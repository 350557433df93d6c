using Generation.Imaging.Png;

namespace Generation.Imaging.Tests;

/// <summary>PNG files as other programs write them.</summary>
public sealed class PngKindsTests
{
    private static byte[] Sound => PngBuilder.Random(20, 10, colourType: 2, bitDepth: 8, interlaced: false, seed: 1).Build();

    [Test]
    public void Decode_WithBytesAfterItsEnd_ShowsThePicture([Values(1, 400, 70_000)] int bytes, [Values] bool zeros)
    {
        byte[] more = new byte[bytes];
        new Random(bytes).NextBytes(zeros ? [] : more);
        byte[] file = [.. Sound, .. more];
        Assert.That(PngCodec.Decode(file).Bytes, Is.EqualTo(PngCodec.Decode(Sound).Bytes));
        Assert.That(PngText.Read(file), Is.Empty);
    }

    [Test]
    public void Decode_WithWrongChecksumOfAChunkThatIsNotThePicture_LeavesThatChunkOut()
    {
        byte[] file = Tagged.WithChunk(Sound, "tEXt", "Comment\0words"u8.ToArray());
        file[33 + 12] ^= 1;
        Assert.That(PngCodec.Decode(file).Bytes, Is.EqualTo(PngCodec.Decode(Sound).Bytes));
        Assert.That(PngText.Read(file), Is.Empty);
    }

    [Test]
    public void Decode_Of16Bits_RoundsEverySample([Values(0, 2, 4, 6)] int colourType, [Values] bool interlaced)
    {
        int samples = colourType switch
        {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        var png = new PngBuilder
        {
            Width = 256,
            Height = 256,
            ColourType = colourType,
            BitDepth = 16,
            Interlaced = interlaced,
            Samples = [.. Enumerable.Range(0, 65_536).SelectMany(value => Enumerable.Repeat((ushort)value, samples))],
        };
        byte[] expected =
        [
            .. Enumerable
                .Range(0, 65_536)
                .SelectMany(value => Enumerable.Repeat((byte)Math.Round(value / 257.0), samples == 2 ? 4 : samples)),
        ];
        Assert.That(PngCodec.Decode(png.Build()).Bytes.AsSpan().SequenceEqual(expected));
    }

    [Test]
    public void Decode_Of16BitsWithOneTransparentColour_ComparesAllBits([Values] bool interlaced, [Values(0, 2)] int colourType)
    {
        int samples = colourType == 2 ? 3 : 1;
        ushort[] values = [0x1234, 0x1235, 0x1233, 0x1234];
        var png = new PngBuilder
        {
            Width = 2,
            Height = 2,
            ColourType = colourType,
            BitDepth = 16,
            Interlaced = interlaced,
            Samples = [.. values.SelectMany(v => Enumerable.Repeat(v, samples))],
            Transparency = [.. Enumerable.Repeat<byte[]>([0x12, 0x34], samples).SelectMany(b => b)],
        };
        Picture picture = PngCodec.Decode(png.Build());
        Assert.That(picture.AlphaChannel().Bytes, Is.EqualTo(new byte[] { 0, 255, 255, 0 }));
        Assert.That(picture.DropAlpha().Bytes, Is.All.EqualTo(0x12));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(4)]
    [TestCase(8)]
    public void Decode_OfGreyWithOneTransparentShade_HasAlpha(int bitDepth)
    {
        ushort most = (ushort)((1 << bitDepth) - 1);
        var png = new PngBuilder
        {
            Width = 2,
            Height = 1,
            BitDepth = bitDepth,
            Samples = [0, most],
            Transparency = [0, (byte)most],
        };
        Assert.That(PngCodec.Decode(png.Build()).Bytes, Is.EqualTo(new byte[] { 0, 0, 0, 255, 255, 255, 255, 0 }));
    }

    [Test]
    public void Decode_OfPaletteIndexBeyondThePalette_IsNoFault()
    {
        var png = new PngBuilder
        {
            Width = 2,
            Height = 1,
            ColourType = 3,
            BitDepth = 8,
            Samples = [0, 200],
            Palette = [9, 8, 7],
        };
        Picture picture = PngCodec.Decode(png.Build());
        Assert.That(picture.Bytes[..3], Is.EqualTo(new byte[] { 9, 8, 7 }));
    }

    [Test]
    public void Decode_OfBitsThatMeanSomethingElseElsewhere_IsNotLedAstray()
    {
        // Some decoders take grey with alpha for alpha alone where sBIT says that one bit of grey counts
        byte[] png = PngBuilder.Random(9, 5, colourType: 4, bitDepth: 8, interlaced: false, seed: 3).Build();
        Assert.That(PngCodec.Decode(Tagged.WithChunk(png, "sBIT", [1, 8])).Bytes, Is.EqualTo(PngCodec.Decode(png).Bytes));
    }

    [Test]
    public void Decode_OfAnimation_GivesItsFirstFrame()
    {
        Picture first = PngCodec.Decode(Tagged.Sample("animated.png"));
        Assert.That((first.Width, first.Height), Is.EqualTo((24, 20)));
        Assert.That(first.DropAlpha().Bytes.Chunk(3), Is.All.EqualTo(new byte[] { 255, 0, 0 }));
    }

    [Test]
    public void Decode_OfRowsThatEndEarly_IsRefused([Values(8, 16)] int bitDepth, [Values] bool interlaced)
    {
        var png = PngBuilder.Random(40, 40, colourType: 2, bitDepth, interlaced, seed: 1);
        byte[] whole = png.Build();
        int at = whole.AsSpan().IndexOf("IDAT"u8) - 4;
        // A sound stream with half of the rows
        byte[] half = PngBuilder.Compress(new byte[40 * ((40 * 3 * bitDepth / 8) + 1) / 2]);
        byte[] file = [.. whole[..at], .. PngBuilder.Chunk("IDAT", half), .. PngBuilder.Chunk("IEND", [])];
        Assert.That(() => PngCodec.Decode(file), Throws.TypeOf<PictureException>().With.Property("Fault").EqualTo(PictureFault.Damaged));
    }
}
