using Generation.Imaging.Masks;

namespace Generation.Imaging.Tests;

/// <summary>Mask tools against what Pillow 9.4 and diffusers' VaeImageProcessor make of the same.</summary>
[TestFixture]
public sealed class MaskToolsTests
{
    // filter(ImageFilter.GaussianBlur(radius)) of a picture in colour
    [TestCase(0.5, "85f29df9600cf444")]
    [TestCase(2, "7e63d44407212730")]
    [TestCase(7.3, "82980c2883576b3f")]
    [TestCase(40, "d48b0f01b2057dee")]
    public void Blur_AnyRadius_EqualsPillow(double radius, string hash) =>
        Assert.That(Patterns.Hash(Patterns.Make(53, 37, 3).Blur(radius)), Is.EqualTo(hash));

    [TestCase(-1)]
    [TestCase(double.NaN)]
    [TestCase(1e9)]
    public void Blur_RadiusOutOfRange_IsRefused(double radius) =>
        Assert.That(() => Patterns.Make(5, 5, 1).Blur(radius), Throws.TypeOf<ArgumentOutOfRangeException>());

    // filter(ImageFilter.MaxFilter(2n + 1)) of the few values above 250, filter(ImageFilter.MinFilter(2n + 1)) of all
    [TestCase(1, "59e26900d09bcf69")]
    [TestCase(3, "867a965f44e108ed")]
    [TestCase(-1, "7e2e7f6f64029bf9")]
    [TestCase(-2, "b5446cd321b1e932")]
    public void Grow_OutAndIn_EqualsPillow(int pixels, string hash)
    {
        Picture picture = Patterns.Make(53, 37, 1);
        if (pixels > 0)
        {
            picture = new Picture(53, 37, 1, Array.ConvertAll(picture.Bytes, value => value > 250 ? (byte)255 : (byte)0));
        }

        Assert.That(Patterns.Hash(picture.Grow(pixels)), Is.EqualTo(hash));
    }

    // get_crop_region(mask, width, height, pad) with a rectangle from (30, 5) to (41, 12)
    [TestCase(64, 64, 0, 30, 3, 41, 14)]
    [TestCase(64, 64, 8, 22, 0, 49, 27)]
    [TestCase(512, 64, 3, 0, 2, 53, 15)]
    [TestCase(64, 512, 3, 27, 0, 44, 37)]
    [TestCase(64, 64, 100, 0, 0, 53, 37)]
    public void CropRegion_MarkedRectangle_EqualsReference(int width, int height, int padding, int left, int top, int right, int bottom) =>
        Assert.That(Mask().CropRegion(width, height, padding), Is.EqualTo(new PictureRegion(left, top, right, bottom)));

    [Test]
    public void CropRegion_EmptyMask_IsTheWholePicture() =>
        Assert.That(new Picture(53, 37, 1).CropRegion(64, 64, 8), Is.EqualTo(new PictureRegion(0, 0, 53, 37)));

    [Test]
    public void Overlay_WithAndWithoutRegion_EqualsReference()
    {
        Picture original = Patterns.Make(53, 37, 3);
        Picture soft = Mask().Blur(2);
        Picture painted = Patterns.Make(24, 24, 3);
        Assert.That(
            Patterns.Hash(MaskTools.Overlay(original, painted, soft, Mask().CropRegion(64, 64, 8))),
            Is.EqualTo("1a0a685872b4c5de")
        );

        var mirrored = new Picture(53, 37, 3);
        for (int y = 0; y < 37; y++)
        {
            for (int x = 0; x < 53; x++)
            {
                original.Pixel(52 - x, y).CopyTo(mirrored.Pixel(x, y));
            }
        }

        Assert.That(Patterns.Hash(MaskTools.Overlay(original, mirrored, soft)), Is.EqualTo("8887095dd437cc8b"));
    }

    [Test]
    public void Overlay_UnmarkedPixels_StayToTheByte()
    {
        Picture original = Patterns.Make(53, 37, 3);
        Picture result = MaskTools.Overlay(original, new Picture(53, 37, 3), Mask());
        Assert.That(result.Row(0).ToArray(), Is.EqualTo(original.Row(0).ToArray()));
        Assert.That(result.Pixel(35, 8).ToArray(), Is.All.Zero);
    }

    [Test]
    public void Overlay_SizesDiffer_IsRefused()
    {
        Picture original = Patterns.Make(53, 37, 3);
        Assert.That(() => MaskTools.Overlay(original, original, new Picture(53, 36, 1)), Throws.ArgumentException);
        Assert.That(() => MaskTools.Overlay(original, Patterns.Make(52, 37, 3), Mask()), Throws.ArgumentException);
    }

    [Test]
    public void Binarize_Halves_AreWhite() =>
        Assert.That(new Picture(4, 1, 1, [0, 127, 128, 255]).Binarize().Bytes, Is.EqualTo((byte[])[0, 0, 255, 255]));

    private static Picture Mask()
    {
        var mask = new Picture(53, 37, 1);
        for (int y = 5; y < 12; y++)
        {
            mask.Row(y)[30..41].Fill(255);
        }

        return mask;
    }
}
