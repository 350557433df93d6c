using Generation.Imaging.Control;
using Generation.Imaging.Resizing;

namespace Generation.Imaging.Tests;

public sealed class ControlPicturesTests
{
    [Test]
    public void Prepare_AnyPreprocessor_GivesColourOfTheSize(
        [Values] ControlPreprocessor preprocessor,
        [Values] FitMode mode,
        [Values(1, 3, 4)] int channels
    )
    {
        Picture control = ControlPictures.Prepare(Pictures.Make(50, 30, channels, smooth: true, seed: 1), preprocessor, 64, 64, mode);
        Assert.That((control.Width, control.Height, control.Channels), Is.EqualTo((64, 64, 3)));
    }

    [Test]
    public void Prepare_Canny_ShowsTheEdgeAndNothingElse()
    {
        Picture control = ControlPictures.Prepare(HalfAndHalf(64, 64), ControlPreprocessor.Canny, 64, 64);
        int[] white = [.. Enumerable.Range(0, 64).Where(x => control.Pixel(x, 32)[0] == 255)];
        Assert.That(white, Has.Length.EqualTo(1));
        Assert.That(white[0], Is.InRange(31, 32));
        Assert.That(control.Bytes.Distinct(), Is.SubsetOf(new byte[] { 0, 255 }));
    }

    [Test]
    public void Prepare_Invert_TurnsBlackToWhite()
    {
        Picture control = ControlPictures.Prepare(HalfAndHalf(64, 64), ControlPreprocessor.Invert, 64, 64);
        Assert.That((control.Pixel(5, 5)[0], control.Pixel(60, 5)[0]), Is.EqualTo(((byte)255, (byte)0)));
    }

    [TestCase(ControlPreprocessor.Blur)]
    [TestCase(ControlPreprocessor.Tile)]
    public void Prepare_BlurAndTile_TakeDetailAndKeepTheMean(ControlPreprocessor preprocessor)
    {
        Picture noise = Pictures.Make(128, 128, 3, smooth: false, seed: 2);
        Picture control = ControlPictures.Prepare(noise, preprocessor, 128, 128);
        Assert.That(Deviation(control), Is.LessThan(Deviation(noise) / 2.5));
        Assert.That(control.Bytes.Average(b => b), Is.EqualTo(noise.Bytes.Average(b => b)).Within(2));
    }

    [Test]
    public void Prepare_ResizeModes_CutFillOrStretch()
    {
        // White bars at the left and right ends of a wide black picture
        var wide = new Picture(120, 40, 3);
        for (int y = 0; y < 40; y++)
        {
            wide.Row(y)[..60].Fill(255);
            wide.Row(y)[300..].Fill(255);
        }

        Assert.That(
            ControlPictures.Prepare(wide, ControlPreprocessor.None, 40, 40, FitMode.Crop).Bytes.Average(b => b),
            Is.LessThan(2),
            "the bars are cut off"
        );
        Picture stretched = ControlPictures.Prepare(wide, ControlPreprocessor.None, 40, 40, FitMode.Stretch);
        Picture filled = ControlPictures.Prepare(wide, ControlPreprocessor.None, 40, 40, FitMode.Fill);
        Assert.That(
            (stretched.Pixel(1, 1)[0], stretched.Pixel(20, 1)[0], stretched.Pixel(38, 38)[0]),
            Is.EqualTo(((byte)255, (byte)0, (byte)255))
        );
        Assert.That(filled.Pixel(20, 20)[0], Is.Zero);
        Assert.That(filled.Pixel(1, 20)[0], Is.GreaterThan(250), "the bars are there");
    }

    [Test]
    public void Find_Names_KnowsThoseThatItLists()
    {
        Assert.That(
            ControlPictures.PreprocessorNames.Select(ControlPictures.FindPreprocessor),
            Is.EqualTo(Enum.GetValues<ControlPreprocessor>())
        );
        Assert.That(
            ControlPictures.ResizeModeNames.Select(ControlPictures.FindResizeMode),
            Is.EqualTo(new FitMode?[] { FitMode.Crop, FitMode.Fill, FitMode.Stretch })
        );
        Assert.That(
            (ControlPictures.FindPreprocessor("depth"), ControlPictures.FindResizeMode("zoom")),
            Is.EqualTo(((ControlPreprocessor?)null, (FitMode?)null))
        );
    }

    private static double Deviation(Picture picture)
    {
        double mean = picture.Bytes.Average(b => b);
        return Math.Sqrt(picture.Bytes.Average(b => (b - mean) * (b - mean)));
    }

    private static Picture HalfAndHalf(int width, int height)
    {
        var picture = new Picture(width, height, 3);
        for (int y = 0; y < height; y++)
        {
            picture.Row(y)[(width / 2 * 3)..].Fill(255);
        }

        return picture;
    }
}
