using Generation.Api.Pricing;
using Generation.Contracts;

namespace Generation.Api.Tests;

/// <summary>Prices are data: figures per kind and model, over pixels, steps and outputs.</summary>
public sealed class PricesTests
{
    // 512 x 512 at 25 steps, two pictures
    private static readonly JobPlan Work = Plan(512, 512, 25, 2);
    private static readonly Prices ByDefault = new(new PriceOptions());

    [Test]
    public void Of_NoFiguresOfTheModel_FollowsTheGeneralOnesOverPixelsStepsAndOutputs()
    {
        ModelEntry model = ApiScope.Demo with { Prices = null, PriceFactor = 1 };

        // 2 x (0.15 x 0.262144 x 25 + 0.05 x 0.262144), rounded up to a ten-thousandth
        Assert.That(ByDefault.Of(JobKind.Text2Img, Work, model), Is.EqualTo(Credits.Of(1.9923m)));
        Assert.That(ByDefault.Of(JobKind.Text2Img, Work with { Outputs = 1 }, model), Is.EqualTo(Credits.Of(0.9962m)));
        Assert.That(ByDefault.Of(JobKind.Text2Img, Work, model with { PriceFactor = 3 }), Is.EqualTo(Credits.Of(5.9769m)));
        Assert.That(ByDefault.Of(JobKind.Edit, Work, model), Is.EqualTo(Credits.Of(2.9098m)), "a kind's own figures");
        Assert.That(ByDefault.Of(JobKind.Text2Img, Plan(10, 10, 1, 4), model), Is.EqualTo(Credits.Of(0.04m)), "the least for each output");
    }

    [Test]
    public void Of_FiguresOfTheModel_GoFirst()
    {
        ModelEntry model = ApiScope.Demo with
        {
            PriceFactor = 1,
            Prices = new Dictionary<string, KindPrice>
            {
                ["text2img"] = new()
                {
                    PerMegapixelStep = 1,
                    PerOutputMegapixel = 2,
                    Minimum = 20,
                },
            },
        };

        Assert.That(ByDefault.Of(JobKind.Text2Img, Work, model), Is.EqualTo(Credits.Of(40)), "the least");
        Assert.That(ByDefault.Of(JobKind.Text2Img, Plan(1000, 1000, 100, 2), model), Is.EqualTo(Credits.Of(204)));
    }

    internal static JobPlan Plan(int width, int height, int steps, int outputs) =>
        new()
        {
            Version = JobPlan.CurrentVersion,
            Width = width,
            Height = height,
            Outputs = outputs,
            Passes =
            [
                new PlannedPass
                {
                    Purpose = PassPurpose.Draw,
                    Model = "demo",
                    Width = width,
                    Height = height,
                    Scheduler = "DDIMScheduler",
                    ScheduledSteps = steps,
                    Calls = steps,
                    Begin = 0,
                    End = steps,
                },
            ],
        };
}
