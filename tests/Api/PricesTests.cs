using Generation.Api;
using Generation.Contracts;

namespace Generation.Tests.Api;

/// <summary>Prices are data: figures per kind and model, over pixels, steps and outputs.</summary>
public sealed class PricesTests
{
    // 512 x 512 at 25 steps, two pictures
    private static readonly PricedWork Work = new(JobKind.Text2Img, 0.262144m * 25, 0.262144m, 2);
    private static readonly Prices ByDefault = new(new PriceOptions());

    [Test]
    public void Of_NoFiguresOfTheModel_FollowsTheGeneralOnesOverPixelsStepsAndOutputs()
    {
        ModelEntry model = ApiScope.Demo with { Prices = null, PriceFactor = 1 };

        // 2 x (0.15 x 0.262144 x 25 + 0.05 x 0.262144), rounded up to a ten-thousandth
        Assert.That(ByDefault.Of(Work, model), Is.EqualTo(Credits.Of(1.9923m)));
        Assert.That(ByDefault.Of(Work with { Outputs = 1 }, model), Is.EqualTo(Credits.Of(0.9962m)));
        Assert.That(ByDefault.Of(Work, model with { PriceFactor = 3 }), Is.EqualTo(Credits.Of(5.9769m)));
        Assert.That(ByDefault.Of(Work with { Kind = JobKind.Edit }, model), Is.EqualTo(Credits.Of(2.9098m)), "a kind's own figures");
        Assert.That(ByDefault.Of(new PricedWork(JobKind.Text2Img, 0.0001m, 0.0001m, 4), model), Is.EqualTo(Credits.Of(0.04m)), "the least for each output");
    }

    [Test]
    public void Of_FiguresOfTheModel_GoFirst()
    {
        ModelEntry model = ApiScope.Demo with
        {
            PriceFactor = 1,
            Prices = new Dictionary<string, KindPrice> { ["text2img"] = new() { PerMegapixelStep = 1, PerOutputMegapixel = 2, Minimum = 20 } },
        };

        Assert.That(ByDefault.Of(Work, model), Is.EqualTo(Credits.Of(40)), "the least");
        Assert.That(ByDefault.Of(Work with { MegapixelSteps = 100, OutputMegapixels = 1 }, model), Is.EqualTo(Credits.Of(204)));
    }
}
