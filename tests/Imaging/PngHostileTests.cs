using System.Buffers.Binary;
using System.Diagnostics;
using Generation.Imaging.Png;

namespace Generation.Imaging.Tests;

/// <summary>Files that want to do harm, or were harmed.</summary>
public sealed class PngHostileTests
{
    private static byte[] Sound => PngBuilder.Random(20, 10, colourType: 2, bitDepth: 8, interlaced: false, seed: 1).Build();

    private static IEnumerable<TestCaseData> Broken()
    {
        byte[] end = PngBuilder.Chunk("IEND", []);
        byte[] header = PngBuilder.Header(2, 2, 8, 0, interlaced: false);
        byte[] data = PngBuilder.Chunk("IDAT", PngBuilder.Compress(new byte[6]));
        yield return Case("empty", [], PictureFault.NotAPicture, "not a PNG");
        yield return Case("text", "hello"u8.ToArray(), PictureFault.NotAPicture, "not a PNG");
        yield return Case("only a signature", PngBuilder.Signature, PictureFault.Damaged, "ends within");
        yield return Case("no header", File(data, end), PictureFault.Damaged, "IDAT");
        yield return Case("two headers", File(header, header, data, end), PictureFault.Damaged, "second header");
        yield return Case("no data", File(header, end), PictureFault.Damaged, "no picture data");
        yield return Case("no end", File(header, data), PictureFault.Damaged, "ends within");
        yield return Case("full end", File(header, data, PngBuilder.Chunk("IEND", [0])), PictureFault.Damaged, "not empty");
        yield return Case("unknown critical chunk", File(header, PngBuilder.Chunk("EVIL", []), data, end), PictureFault.Damaged, "EVIL");
        yield return Case("unprintable type", File(header, PngBuilder.Chunk("a\u0001cd", []), data, end), PictureFault.Damaged, "type");
        yield return Case(
            "data in two pieces",
            File(header, data, PngBuilder.Chunk("teSt", []), data, end),
            PictureFault.Damaged,
            "one piece"
        );
        yield return Case(
            "palette missing",
            File(PngBuilder.Header(2, 2, 8, 3, interlaced: false), data, end),
            PictureFault.Damaged,
            "palette"
        );
        yield return Case("palette late", File(header, data, PngBuilder.Chunk("PLTE", new byte[3]), end), PictureFault.Damaged, "palette");
        yield return Case("depth 3", File(PngBuilder.Header(2, 2, 3, 0, interlaced: false), data, end), PictureFault.Damaged, "3 bits");
        yield return Case(
            "colour type 5",
            File(PngBuilder.Header(2, 2, 8, 5, interlaced: false), data, end),
            PictureFault.Damaged,
            "colour type 5"
        );
        yield return Case("no width", File(PngBuilder.Header(0, 2, 8, 0, interlaced: false), data, end), PictureFault.Damaged, "0 x 2");
        yield return Case(
            "too little data",
            File(header, PngBuilder.Chunk("IDAT", PngBuilder.Compress(new byte[3])), end),
            PictureFault.Damaged,
            ""
        );
        yield return Case("data is not compressed", File(header, PngBuilder.Chunk("IDAT", new byte[40]), end), PictureFault.Damaged, "");
        yield return Case(
            "too wide",
            File(PngBuilder.Header(4_000_000_000, 1, 8, 0, interlaced: false), data, end),
            PictureFault.TooLarge,
            "4000000000 x 1"
        );
        yield return Case(
            "too many pixels",
            File(PngBuilder.Header(16_000, 16_000, 8, 6, interlaced: false), data, end),
            PictureFault.TooLarge,
            "256000000"
        );
        yield return Case(
            "claims more than its data can hold",
            File(PngBuilder.Header(6000, 6000, 16, 6, interlaced: false), data, end),
            PictureFault.Damaged,
            "cannot hold"
        );

        byte[] wrongChecksum = Sound;
        wrongChecksum[60] ^= 1;
        yield return Case("wrong checksum", wrongChecksum, PictureFault.Damaged, "checksum");

        byte[] longChunk = Sound;
        BinaryPrimitives.WriteUInt32BigEndian(longChunk.AsSpan(33), 0xFFFF_FFFF);
        yield return Case("chunk beyond the file", longChunk, PictureFault.Damaged, "4294967295 bytes");
    }

    [TestCaseSource(nameof(Broken))]
    public void Decode_OfBrokenFile_SaysWhatIsWrong(byte[] file, PictureFault fault, string word)
    {
        PictureException error = Assert.Throws<PictureException>(() => PngCodec.Decode(file))!;
        Assert.That(error.Fault, Is.EqualTo(fault));
        Assert.That(error.Message, Does.Contain(word));
        Assert.That(() => Codecs.PictureCodec.Check(file), Throws.TypeOf<PictureException>(), "before it is taken in");
    }

    [Test]
    public void Decode_OfFileCutAnywhere_IsRefused()
    {
        byte[] sound = Sound;
        for (int length = 0; length < sound.Length; length++)
        {
            Assert.Throws<PictureException>(() => PngCodec.Decode(sound.AsSpan(0, length)), $"cut to {length} bytes");
        }
    }

    [Test]
    public void Decode_OfFileOverTheByteLimit_IsRefused() =>
        Assert.That(
            () => PngCodec.Decode(Sound, new PictureLimits { MaxBytes = 100 }),
            Throws.TypeOf<PictureException>().With.Message.Contains("at most 100")
        );

    [Test]
    public void Decode_OfDecompressionBomb_TakesNoMemoryForIt()
    {
        // 64 MiB of zeros in 64 KiB of data, behind a header of one pixel and in chunks that a viewer would inflate
        byte[] bomb = PngBuilder.Compress(new byte[64 << 20]);
        byte[] file = File(
            PngBuilder.Header(1, 1, 8, 0, interlaced: false),
            PngBuilder.Chunk("zTXt", [.. "Comment\0\0"u8, .. bomb]),
            PngBuilder.Chunk("iCCP", [.. "profile\0\0"u8, .. bomb]),
            PngBuilder.Chunk("IDAT", bomb),
            PngBuilder.Chunk("IEND", [])
        );
        long before = GC.GetTotalAllocatedBytes(precise: true);
        long resident = Process.GetCurrentProcess().WorkingSet64;
        try
        {
            Assert.That(PngCodec.Decode(file).Bytes, Has.Length.EqualTo(1));
        }
        catch (PictureException error)
        {
            Assert.That(error.Fault, Is.EqualTo(PictureFault.Damaged));
        }

        Assert.That(GC.GetTotalAllocatedBytes(precise: true) - before, Is.LessThan(4 << 20));
        Assert.That(Process.GetCurrentProcess().WorkingSet64 - resident, Is.LessThan(32 << 20));
    }

    [Test]
    public void Decode_OfManyTinyChunks_StopsSoon()
    {
        byte[] tiny = PngBuilder.Chunk("teSt", []);
        using var file = new MemoryStream();
        file.Write(PngBuilder.Signature);
        file.Write(PngBuilder.Header(2, 2, 8, 0, interlaced: false));
        for (int i = 0; i < 200_000; i++)
        {
            file.Write(tiny);
        }

        Assert.That(() => PngCodec.Decode(file.ToArray()), Throws.TypeOf<PictureException>().With.Message.Contains("chunks"));
    }

    [Test]
    public void Decode_OfBytesChangedAtRandom_NeverFailsOtherwise()
    {
        var random = new Random(20260731);
        byte[][] seeds =
        [
            Sound,
            PngBuilder.Random(9, 9, colourType: 3, bitDepth: 4, interlaced: true, seed: 2).Build(),
            PngBuilder.Random(16, 3, colourType: 6, bitDepth: 16, interlaced: true, seed: 3).Build(),
            PngCodec.Encode(new Picture(5, 4, 3), [new PngText("parameters", "\u7d05 words")]),
        ];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] file = [.. seeds[random.Next(seeds.Length)]];
            for (int n = random.Next(1, 5); n > 0; n--)
            {
                file[random.Next(file.Length)] = (byte)random.Next(256);
            }

            if (random.Next(2) == 0)
            {
                MendChecksums(file);
            }

            try
            {
                Picture picture = PngCodec.Decode(file);
                Assert.That((long)picture.Width * picture.Height, Is.LessThanOrEqualTo(PictureLimits.Default.MaxPixels));
                PngText.Read(file);
            }
            catch (PictureException)
            {
                // A clear refusal is the other right answer
            }
        }
    }

    private static void MendChecksums(byte[] file)
    {
        int position = 8;
        while (position + 12 <= file.Length)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(position));
            if (length > file.Length - position - 12)
            {
                return;
            }

            int end = position + 8 + (int)length;
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(end), PngBuilder.Crc(file.AsSpan(position + 4, (int)length + 4)));
            position = end + 4;
        }
    }

    private static TestCaseData Case(string name, byte[] file, PictureFault fault, string word) =>
        new TestCaseData(file, fault, word).SetArgDisplayNames(name);

    private static byte[] File(params byte[][] chunks) => [.. PngBuilder.Signature, .. chunks.SelectMany(c => c)];
}
