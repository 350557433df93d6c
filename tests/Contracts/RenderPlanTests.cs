using System.Text.Json;
using Generation.Contracts;

namespace Generation.Tests.Contracts;

public sealed class RenderPlanTests
{
    private static readonly ModelEntry Demo = JsonSerializer.Deserialize<ModelEntry>(
        File.ReadAllText(Path.Combine(TestContext.CurrentContext.TestDirectory, "demo.json")), WireJson.Options)!;

    [TestCase(256, 256, 64, 64, false)]
    [TestCase(512, 512, 64, 64, true)]
    [TestCase(512, 288, 80, 48, true)]
    [TestCase(200, 1000, 48, 128, true)]
    public void For_LargerThanNative_KeepsAreaAndAspectAndUpscales(int width, int height, int madeWidth, int madeHeight, bool resized)
    {
        RenderPlan plan = RenderPlan.For(Demo, width, height);

        Assert.That((plan.GeneratedWidth, plan.GeneratedHeight), Is.EqualTo((madeWidth, madeHeight)));
        Assert.That((plan.Upscaler, plan.Scale, plan.Resized), Is.EqualTo(("demo-upscaler", 4, resized)));
    }

    [Test]
    public void For_SizeThatTheNetworkMakes_IsMadeDirectly()
    {
        RenderPlan plan = RenderPlan.For(Demo, 64, 48);

        Assert.That(plan, Is.EqualTo(new RenderPlan { GeneratedWidth = 64, GeneratedHeight = 48, Resized = false }));
    }

    [Test]
    public void For_ModelWithoutUpscaler_IsMadeAtTheAskedSize()
    {
        RenderPlan plan = RenderPlan.For(Demo with { Upscaler = null, NativeMaxSide = 2048 }, 512, 320);

        Assert.That(plan, Is.EqualTo(new RenderPlan { GeneratedWidth = 512, GeneratedHeight = 320, Resized = false }));
    }
}
