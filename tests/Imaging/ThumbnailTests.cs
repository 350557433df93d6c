using Generation.Imaging.Codecs;

namespace Generation.Imaging.Tests;

public sealed class ThumbnailTests
{
    [TestCase(400, 200, 100, 100, 50)]
    [TestCase(30, 900, 90, 3, 90)]
    [TestCase(1000, 1, 100, 100, 1)]
    [TestCase(64, 48, 100, 64, 48)]
    public void Of_KeepsTheAspectAndNeverEnlarges(int width, int height, int maxSide, int expectedWidth, int expectedHeight)
    {
        byte[] file = PictureCodec.Encode(Pictures.Make(width, height, 3, smooth: true, seed: 1), PictureFormat.Png);
        byte[] thumbnail = Thumbnail.Of(file, maxSide);
        Assert.That(PictureFormats.Detect(thumbnail), Is.EqualTo(PictureFormat.Jpeg));
        Picture picture = PictureCodec.Decode(thumbnail);
        Assert.That((picture.Width, picture.Height), Is.EqualTo((expectedWidth, expectedHeight)));
    }
}
