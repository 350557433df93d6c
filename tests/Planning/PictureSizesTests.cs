using Generation.Contracts;

namespace Generation.Planning.Tests;

public sealed class PictureSizesTests
{
    [TestCase(256, 256, 64, 64, false)]
    [TestCase(512, 512, 64, 64, true)]
    [TestCase(512, 288, 80, 48, true)]
    [TestCase(200, 1000, 48, 128, true)]
    public void Plan_LargerThanNative_KeepsAreaAndAspectAndUpscales(int width, int height, int madeWidth, int madeHeight, bool resized)
    {
        RenderPlan render = SizesOf(Entries.Demo, width, height);

        Assert.That((render.GeneratedWidth, render.GeneratedHeight), Is.EqualTo((madeWidth, madeHeight)));
        Assert.That((render.Upscaler, render.Scale, render.Resized), Is.EqualTo(("demo-upscaler", 4, resized)));
    }

    [Test]
    public void Plan_SizeThatTheNetworkMakes_IsMadeDirectly() =>
        Assert.That(
            SizesOf(Entries.Demo, 64, 48),
            Is.EqualTo(
                new RenderPlan
                {
                    GeneratedWidth = 64,
                    GeneratedHeight = 48,
                    Resized = false,
                }
            )
        );

    [Test]
    public void Plan_ModelWithoutUpscaler_IsMadeAtTheAskedSize() =>
        Assert.That(
            SizesOf(Entries.Demo with { Upscaler = null, NativeMaxSide = 2048 }, 512, 320),
            Is.EqualTo(
                new RenderPlan
                {
                    GeneratedWidth = 512,
                    GeneratedHeight = 320,
                    Resized = false,
                }
            )
        );

    private static RenderPlan SizesOf(ModelEntry model, int width, int height) =>
        Entries.Plan(Entries.Words() with { Width = width, Height = height }, model).Render!;
}
