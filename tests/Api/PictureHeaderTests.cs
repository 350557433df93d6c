using Generation.Api.Inputs;
using Generation.Imaging;
using Generation.Imaging.Codecs;

namespace Generation.Api.Tests;

/// <summary>What the API reads of a picture: its type and its size, from the first bytes of its file.</summary>
public sealed class PictureHeaderTests
{
    private static IEnumerable<TestCaseData> Headers()
    {
        yield return new TestCaseData(PictureSite.Png, "image/png", 1, 1).SetArgDisplayNames("PNG");
        yield return new TestCaseData(
            new byte[] { 0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC2, 0, 17, 8, 1, 0, 2, 0, 3 },
            "image/jpeg",
            512,
            256
        ).SetArgDisplayNames("JPEG");
        yield return new TestCaseData(
            (byte[])[.. "RIFF\0\0\0\0WEBPVP8X"u8, 10, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 49, 0, 0],
            "image/webp",
            100,
            50
        ).SetArgDisplayNames("WebP extended");
        yield return new TestCaseData(
            (byte[])[.. "RIFF\0\0\0\0WEBPVP8 "u8, 10, 0, 0, 0, 0, 0, 0, 0x9D, 1, 0x2A, 64, 0, 32, 0],
            "image/webp",
            64,
            32
        ).SetArgDisplayNames("WebP lossy");
        yield return new TestCaseData(
            (byte[])[.. "RIFF\0\0\0\0WEBPVP8L"u8, 10, 0, 0, 0, 0x2F, 63, 0xC0, 7, 0, 0, 0, 0, 0, 0],
            "image/webp",
            64,
            32
        ).SetArgDisplayNames("WebP lossless");
    }

    [TestCaseSource(nameof(Headers))]
    public void Read_Header_GivesKindAndSize(byte[] bytes, string type, int width, int height) =>
        Assert.That(PictureHeader.Read(bytes), Is.EqualTo(new PictureHeader(type, width, height)));

    [TestCase(1, 30, 20), TestCase(3, 30, 20), TestCase(6, 20, 30), TestCase(8, 20, 30)]
    public void Header_WithExifOrientation_HasTheSizeAsItIsLookedAt(int orientation, int width, int height)
    {
        byte[] exif = [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];
        var picture = new Picture(30, 20, 3);
        byte[] jpeg = PictureCodec.Encode(picture, PictureFormat.Jpeg);
        byte[] app1 = [0xFF, 0xE1, 0, (byte)(exif.Length + 8), .. "Exif\0\0"u8, .. exif];
        byte[] png = PictureCodec.Encode(picture, PictureFormat.Png);
        byte[] chunk = [0, 0, 0, (byte)exif.Length, .. "eXIf"u8, .. exif, 0, 0, 0, 0];

        foreach (byte[] file in new byte[][] { [.. jpeg[..2], .. app1, .. jpeg[2..]], [.. png[..33], .. chunk, .. png[33..]] })
        {
            PictureHeader header = PictureHeader.Read(file)!;
            Assert.That((header.Width, header.Height), Is.EqualTo((width, height)), header.ContentType);
        }
    }
}
