using Generation.Imaging.Control;

namespace Generation.Imaging.Tests;

[TestFixture]
public sealed class CannyTests
{
    [Test]
    public void Detect_Step_MarksOneLine()
    {
        var picture = new Picture(9, 5, 1);
        for (int y = 0; y < 5; y++)
        {
            picture.Row(y)[4..].Fill(255);
        }

        Picture edges = Canny.Detect(picture, 100, 200);
        for (int y = 0; y < 5; y++)
        {
            Assert.That(edges.Row(y).ToArray(), Is.EqualTo((byte[])[0, 0, 0, 255, 0, 0, 0, 0, 0]));
        }
    }

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(4)]
    public void Detect_EvenPicture_HasNoEdges(int channels)
    {
        var picture = new Picture(7, 6, channels);
        picture.Bytes.AsSpan().Fill(90);
        Picture edges = Canny.Detect(picture, 100, 200);
        Assert.That((edges.Width, edges.Height, edges.Channels), Is.EqualTo((7, 6, 1)));
        Assert.That(edges.Bytes, Is.All.Zero);
    }

    [Test]
    public void Detect_OnePixel_HasNoEdges() => Assert.That(Canny.Detect(new Picture(1, 1, 3, [255, 0, 0]), 0, 0).Bytes, Is.All.Zero);

    [Test]
    public void Detect_ThresholdsTurnedRound_AreTheSame()
    {
        Picture picture = Patterns.Make(53, 37, 3);
        Assert.That(Canny.Detect(picture, 900, 300).Bytes, Is.EqualTo(Canny.Detect(picture, 300, 900).Bytes));
    }

    [Test]
    public void Detect_GreyAsColour_IsTheSame()
    {
        Picture grey = Patterns.Make(53, 37, 1);
        Assert.That(Canny.Detect(grey.DropAlpha(), 100, 200).Bytes, Is.EqualTo(Canny.Detect(grey, 100, 200).Bytes));
    }
}
