using Generation.Imaging.Resizing;

namespace Generation.Imaging.Tests;

/// <summary>Pictures against what Pillow 9.4 makes of the same: the start of its SHA-256.</summary>
[TestFixture]
public sealed class ResamplingTests
{
    // Image.frombytes(mode, (53, 37), pattern).resize((width, height), filter)
    [TestCase(1, ResamplingFilter.Nearest, 20, 90, "24e3a23a99a99c5e")]
    [TestCase(1, ResamplingFilter.Nearest, 110, 11, "5ba07cf63cd61726")]
    [TestCase(1, ResamplingFilter.Box, 20, 90, "9a0bf6bc4787f029")]
    [TestCase(1, ResamplingFilter.Box, 110, 11, "9bcfa1b380e23bdf")]
    [TestCase(1, ResamplingFilter.Bilinear, 20, 90, "5ce8343ee013659c")]
    [TestCase(1, ResamplingFilter.Bilinear, 110, 11, "f3b86d885b63282a")]
    [TestCase(1, ResamplingFilter.Hamming, 20, 90, "5ae31ad98d1e2a66")]
    [TestCase(1, ResamplingFilter.Hamming, 110, 11, "84580f4015ac43e3")]
    [TestCase(1, ResamplingFilter.Bicubic, 20, 90, "dfcfd6640000a1df")]
    [TestCase(1, ResamplingFilter.Bicubic, 110, 11, "c07d5f0365406abd")]
    [TestCase(1, ResamplingFilter.Lanczos, 20, 90, "a83530d174ebbac1")]
    [TestCase(1, ResamplingFilter.Lanczos, 110, 11, "f707d535ef3496f1")]
    [TestCase(3, ResamplingFilter.Nearest, 20, 90, "18c93b5373dc369b")]
    [TestCase(3, ResamplingFilter.Nearest, 110, 11, "b1f66a499ee88682")]
    [TestCase(3, ResamplingFilter.Box, 20, 90, "2c53ca49c55df902")]
    [TestCase(3, ResamplingFilter.Box, 110, 11, "c275ae8ebf625c44")]
    [TestCase(3, ResamplingFilter.Bilinear, 20, 90, "0bfb8920fd0fda13")]
    [TestCase(3, ResamplingFilter.Bilinear, 110, 11, "1adf51445f4e041d")]
    [TestCase(3, ResamplingFilter.Hamming, 20, 90, "cf2e9329b83f9ce7")]
    [TestCase(3, ResamplingFilter.Hamming, 110, 11, "8cc0fca3cbfb9278")]
    [TestCase(3, ResamplingFilter.Bicubic, 20, 90, "e96623c82ab78951")]
    [TestCase(3, ResamplingFilter.Bicubic, 110, 11, "fa82c9b364bb3755")]
    [TestCase(3, ResamplingFilter.Lanczos, 20, 90, "b16c6b0e37e726fe")]
    [TestCase(3, ResamplingFilter.Lanczos, 110, 11, "510911b82b25b61f")]
    [TestCase(4, ResamplingFilter.Nearest, 20, 90, "36d9c310811abc00")]
    [TestCase(4, ResamplingFilter.Nearest, 110, 11, "cfbf6245a0db106b")]
    [TestCase(4, ResamplingFilter.Box, 20, 90, "4ea2c7f0cb4082ac")]
    [TestCase(4, ResamplingFilter.Box, 110, 11, "d65c1594738d9439")]
    [TestCase(4, ResamplingFilter.Bilinear, 20, 90, "f548971496976f91")]
    [TestCase(4, ResamplingFilter.Bilinear, 110, 11, "1f0ac5a48081c31d")]
    [TestCase(4, ResamplingFilter.Hamming, 20, 90, "67276bbc161f22e1")]
    [TestCase(4, ResamplingFilter.Hamming, 110, 11, "d9cf5c4b65c7d63c")]
    [TestCase(4, ResamplingFilter.Bicubic, 20, 90, "047f2d4dbaf97edf")]
    [TestCase(4, ResamplingFilter.Bicubic, 110, 11, "a9fbd0e1d838684a")]
    [TestCase(4, ResamplingFilter.Lanczos, 20, 90, "5bf4e394c5332e45")]
    [TestCase(4, ResamplingFilter.Lanczos, 110, 11, "9d8785d6ce0f2867")]
    public void Resize_AnyFilter_EqualsPillow(int channels, ResamplingFilter filter, int width, int height, string hash) =>
        Assert.That(Patterns.Hash(Patterns.Make(53, 37, channels).Resize(width, height, filter)), Is.EqualTo(hash));

    [Test]
    public void Resize_PartThatCutsPixels_EqualsPillow() =>
        // resize((31, 29), LANCZOS, box=(3.25, 1.5, 50.5, 36.75))
        Assert.That(
            Patterns.Hash(Patterns.Make(53, 37, 3).Resize(31, 29, ResamplingFilter.Lanczos, 3.25, 1.5, 50.5, 36.75)),
            Is.EqualTo("7ade238bb47cbb81")
        );

    // VaeImageProcessor.resize(image, height, width, resize_mode) of diffusers 0.35
    [TestCase(FitMode.Fill, 64, 24, "31fe99fea9cf6163")]
    [TestCase(FitMode.Crop, 64, 24, "49186fcdb90fab5d")]
    [TestCase(FitMode.Fill, 24, 64, "8b29399175a5855c")]
    [TestCase(FitMode.Crop, 24, 64, "99a5de0a7fc7a401")]
    public void Fit_OtherAspect_EqualsReference(FitMode mode, int width, int height, string hash) =>
        Assert.That(Patterns.Hash(Patterns.Make(53, 37, 3).Fit(width, height, mode)), Is.EqualTo(hash));

    [Test]
    public void Resize_SameSize_IsTheSamePicture()
    {
        Picture picture = Patterns.Make(53, 37, 3);
        Assert.That(picture.Resize(53, 37), Is.SameAs(picture));
    }

    [Test]
    public void Resize_OnePicturesExtremes_StayWithinTheByte()
    {
        // Lanczos overshoots at an edge; white stays white and black black
        var picture = new Picture(40, 1, 1);
        picture.Bytes.AsSpan(20).Fill(255);
        byte[] bytes = picture.Resize(400, 3).Bytes;
        Assert.That((bytes[0], bytes[190], bytes[399]), Is.EqualTo((0, 0, 255)));
    }

    [TestCase(-1, 0, 10, 10)]
    [TestCase(0, 0, 54, 10)]
    [TestCase(9, 0, 8, 10)]
    [TestCase(double.NaN, 0, 8, 10)]
    public void Resize_PartBeyondThePicture_IsRefused(double left, double top, double right, double bottom) =>
        Assert.That(
            () => Patterns.Make(53, 37, 1).Resize(8, 8, ResamplingFilter.Box, left, top, right, bottom),
            Throws.TypeOf<ArgumentOutOfRangeException>()
        );

    [Test, Combinatorial]
    public void ResizePart_IsThatPartOfTheWhole(
        [Values(1, 3, 4)] int channels,
        [Values(ResamplingFilter.Box, ResamplingFilter.Bicubic, ResamplingFilter.Lanczos)] ResamplingFilter filter,
        [Values(20, 53, 110)] int width,
        [Values(11, 37, 90)] int height
    )
    {
        Picture picture = Patterns.Make(53, 37, channels);
        Assert.That(
            picture.ResizePart((width, height), filter, (7, 3, 9, 5)).Bytes,
            Is.EqualTo(picture.Resize(width, height, filter).Crop(7, 3, 9, 5).Bytes)
        );
        Assert.That(() => picture.ResizePart((width, height), filter, (7, 3, width, 5)), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [TestCase(16_384, 1)]
    [TestCase(1, 16_384)]
    public void Fit_LongAndNarrow_TakesTheMiddleAlone(int width, int height)
    {
        // Scaled as a whole it would have 2^37 pixels
        var picture = new Picture(width, height, 3);
        picture.Bytes.AsSpan().Fill(9);
        Picture middle = picture.Fit(2048, 2048, FitMode.Crop);
        Assert.That((middle.Width, middle.Height, middle.Bytes.Distinct().Single()), Is.EqualTo((2048, 2048, 9)));
        Assert.That(ClipImageProcessor.Prepare(picture, 224), Has.Length.EqualTo(3 * 224 * 224));
    }

    [Test]
    public void Paste_PartlyOutside_LeavesThatOut()
    {
        var picture = new Picture(4, 3, 1);
        var part = new Picture(3, 3, 1, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        picture.Paste(part, 2, -1);
        picture.Paste(part, -2, 2);
        Assert.That(picture.Bytes, Is.EqualTo((byte[])[0, 0, 4, 5, 0, 0, 7, 8, 3, 0, 0, 0]));
    }
}
