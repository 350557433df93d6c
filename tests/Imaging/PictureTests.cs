namespace Generation.Imaging.Tests;

public sealed class PictureTests
{
    [Test]
    public void Constructor_WithBytesOfAnotherSize_NamesBoth() =>
        Assert.That(() => new Picture(2, 2, 3, new byte[11]), Throws.ArgumentException.With.Message.Contains("12 bytes, not 11"));

    [TestCase(0, 1, 3)]
    [TestCase(1, -1, 3)]
    [TestCase(1, 1, 2)]
    [TestCase(Picture.MaxSide + 1, 1, 1)]
    [TestCase(Picture.MaxSide, Picture.MaxSide, 4)]
    public void Constructor_WithFigureOutOfRange_Throws(int width, int height, int channels) =>
        Assert.That(() => new Picture(width, height, channels), Throws.InstanceOf<ArgumentException>());

    [Test]
    public void Crop_OfPart_TakesItsPixels()
    {
        Picture whole = Pictures.Make(9, 7, 3, smooth: false, seed: 4);
        Picture part = whole.Crop(2, 3, 4, 2);
        Assert.That((part.Width, part.Height), Is.EqualTo((4, 2)));
        for (int y = 0; y < 2; y++)
        {
            for (int x = 0; x < 4; x++)
            {
                Assert.That(part.Pixel(x, y).ToArray(), Is.EqualTo(whole.Pixel(x + 2, y + 3).ToArray()));
            }
        }
    }

    [Test]
    public void Crop_BeyondThePicture_Throws() => Assert.That(() => new Picture(4, 4, 1).Crop(2, 2, 3, 1), Throws.ArgumentException);

    [Test]
    public void ToRgb_OfAlpha_LaysItOverTheBackground()
    {
        var picture = new Picture(3, 1, 4, [200, 100, 0, 255, 200, 100, 0, 0, 200, 100, 0, 128]);
        Assert.That(picture.ToRgb([0, 0, 0]).Bytes, Is.EqualTo(new byte[] { 200, 100, 0, 0, 0, 0, 100, 50, 0 }));
    }
}
