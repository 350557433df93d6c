using Generation.Api.Faces.Dezgo;

namespace Generation.Faces.Tests.Dezgo;

public sealed class DezgoPriceTests
{
    // The published tables, of 30 steps
    [TestCase(512, 512, 30, 19)]
    [TestCase(768, 768, 30, 87)]
    [TestCase(1024, 1024, 30, 181)]
    // No less than 512 x 512 pixels and 10 steps
    [TestCase(320, 320, 30, 19)]
    [TestCase(512, 512, 5, 6)]
    [TestCase(512, 512, 10, 6)]
    public void Generation_PublishedSizes_HavePublishedPrices(int width, int height, int steps, int credits) =>
        Assert.That(DezgoPrices.Generation(width, height, steps), Is.EqualTo((decimal)credits));

    [TestCase(320, 320, 5)]
    [TestCase(512, 512, 12)]
    [TestCase(768, 768, 29)]
    [TestCase(1024, 1024, 51)]
    [TestCase(64, 64, 5)]
    public void Upscale_PublishedSizes_HavePublishedPrices(int width, int height, int credits) =>
        Assert.That(DezgoPrices.Upscale(width, height), Is.EqualTo((decimal)credits));

    [Test]
    public void Combined_GenerationAndUpscale_AreThePublishedThirtyOne() =>
        Assert.That(DezgoPrices.Generation(512, 512, 30) + DezgoPrices.Upscale(512, 512), Is.EqualTo(31m));

    [TestCase(19, "0.0019")]
    [TestCase(181, "0.0181")]
    [TestCase(31, "0.0031")]
    public void Usd_OfCredits_IsExact(int credits, string usd)
    {
        var table = new DezgoTable { UsdPerCredit = 0.001m };
        var ours = DezgoPrices.ToCredits(credits, table);
        Assert.That(ours.Value, Is.EqualTo(credits / 10m));
        Assert.That(DezgoPrices.Text(DezgoPrices.ToUsd(ours, table)), Is.EqualTo(usd));
    }
}
