using Generation.Contracts;
using Generation.Imaging;
using Generation.Imaging.Masks;
using Generation.Service.Rendering;

namespace Generation.Service.Tests;

/// <summary>Masks as editors and canvases write them: what is transparent is not painted, whatever colour it hides.</summary>
public sealed class InpaintMaskTests
{
    private static readonly byte[] Painted = [0, 255];

    private static IEnumerable<TestCaseData> Masks()
    {
        // Two pixels each: the left one is kept, the right one is painted
        yield return Case("white on transparent black", MaskMode.PaintWhite, 0, 0, 0, 0, 255, 255, 255, 255);
        yield return Case("white on transparent white", MaskMode.PaintWhite, 255, 255, 255, 0, 255, 255, 255, 255);
        yield return Case("white on nearly transparent white", MaskMode.PaintWhite, 255, 255, 255, 40, 255, 255, 255, 255);
        yield return Case("white on black", MaskMode.PaintWhite, 0, 0, 0, 255, 255, 255, 255, 255);
        yield return Case("black on transparent black", MaskMode.PaintBlack, 0, 0, 0, 0, 0, 0, 0, 255);
        yield return Case("black on transparent white", MaskMode.PaintBlack, 255, 255, 255, 0, 0, 0, 0, 255);
        yield return Case("black on nearly transparent black", MaskMode.PaintBlack, 0, 0, 0, 40, 0, 0, 0, 255);
        yield return Case("a hole in white", MaskMode.PaintTransparent, 255, 255, 255, 255, 255, 255, 255, 0);

        static TestCaseData Case(string name, MaskMode mode, params byte[] pixels) =>
            new TestCaseData(mode, pixels).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Masks))]
    public void Grey_OfMaskWithAlpha_PaintsWhatIsSeen(MaskMode mode, byte[] pixels)
    {
        Picture mask = InpaintRenderer.Grey(new Picture(2, 1, 4, pixels), mode).Binarize();
        Assert.That((mode == MaskMode.PaintBlack ? mask.Invert() : mask).Bytes, Is.EqualTo(Painted));
    }

    [TestCase(1)]
    [TestCase(3)]
    public void Grey_OfMaskWithoutAlpha_TakesItsBrightness(int channels)
    {
        var mask = new Picture(2, 1, channels);
        mask.Pixel(1, 0).Fill(255);
        Assert.That(InpaintRenderer.Grey(mask, MaskMode.PaintWhite).Bytes, Is.EqualTo(Painted));
        Assert.That(InpaintRenderer.Grey(mask, MaskMode.PaintTransparent).Bytes, Is.All.EqualTo(0), "nothing is transparent");
    }
}
