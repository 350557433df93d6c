using Generation.Imaging.Outpainting;

namespace Generation.Imaging.Tests;

public sealed class OutpaintCanvasTests
{
    [Test]
    public void Extend_RightAndTop_DrawsTheEdgesOutAndMasksWhatIsNewAndTheOverlap()
    {
        Picture old = Pattern(8, 6);

        var canvas = OutpaintCanvas.Extend(old, right: 3, top: 2, overlap: 2);

        Assert.That((canvas.Image.Width, canvas.Image.Height, canvas.Mask.Width, canvas.Mask.Height), Is.EqualTo((11, 8, 11, 8)));
        for (int y = 0; y < 8; y++)
        {
            for (int x = 0; x < 11; x++)
            {
                Assert.That(
                    canvas.Image.Pixel(x, y).ToArray(),
                    Is.EqualTo(old.Pixel(Math.Min(x, 7), Math.Max(y - 2, 0)).ToArray()),
                    $"{x}, {y}"
                );
                Assert.That(canvas.Mask.Row(y)[x], Is.EqualTo(x >= 6 || y < 4 ? 255 : 0), $"{x}, {y}");
            }
        }
    }

    [Test]
    public void Finish_OfAnyPicture_LeavesWhatWasNotMaskedAsItWas()
    {
        Picture old = Pattern(20, 16);
        var canvas = OutpaintCanvas.Extend(old, left: 5, bottom: 7, overlap: 3);

        Picture whole = canvas.Finish(new Picture(13, 10, 3));

        Assert.That((whole.Width, whole.Height), Is.EqualTo((25, 23)));
        for (int y = 0; y < 13; y++)
        {
            Assert.That(whole.Row(y)[(8 * 3)..].SequenceEqual(old.Row(y)[(3 * 3)..]), Is.True, $"row {y}");
        }
    }

    [TestCase(0, 0, 4, "left")]
    [TestCase(-1, 8, 4, "left")]
    [TestCase(8, 0, 32, "overlap")]
    [TestCase(8, 8, 16, "overlap")]
    [TestCase(8, 0, -1, "overlap")]
    public void Extend_ByWhatCannotBe_NamesIt(int left, int right, int overlap, string name) =>
        Assert.That(
            () => OutpaintCanvas.Extend(Pattern(32, 32), left, right, overlap: overlap),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo(name)
        );

    private static Picture Pattern(int width, int height)
    {
        var picture = new Picture(width, height, 3);
        for (int i = 0; i < picture.Bytes.Length; i++)
        {
            picture.Bytes[i] = (byte)(i * 37 % 251);
        }

        return picture;
    }
}
