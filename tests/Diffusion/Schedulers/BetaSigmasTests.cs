using Generation.Diffusion.Schedulers;

namespace Generation.Diffusion.Tests.Schedulers;

/// <summary>Beta sigmas are the quantiles of the beta distribution of shape 0.6, 0.6.</summary>
public sealed class BetaSigmasTests
{
    // scipy.stats.beta.ppf(t, 0.6, 0.6) for t in 1 - numpy.linspace(0, 1, 11)
    private static readonly double[] Deciles =
    [
        1.0,
        0.9604155944112192,
        0.8770782495416671,
        0.7659829961247643,
        0.6372990092467856,
        0.5000000000000001,
        0.36270099075321405,
        0.23401700387523564,
        0.12292175045833284,
        0.03958440558878084,
        0.0,
    ];

    [Test]
    public void Sigmas_BetweenZeroAndOne_AreTheQuantiles()
    {
        double[] sigmas = Between(0, 1, 11);
        for (int k = 0; k < Deciles.Length; k++)
        {
            Assert.That(sigmas[k], Is.EqualTo(Deciles[k]).Within(1e-7), $"quantile {k}");
        }
    }

    [Test]
    public void Sigmas_OfAnyLength_AreSymmetricAndFalling()
    {
        foreach (int count in new[] { 2, 3, 40, 501, 1000 })
        {
            double[] sigmas = Between(0, 1, count);
            Assert.Multiple(() =>
            {
                Assert.That(sigmas[0], Is.EqualTo(1));
                Assert.That(sigmas[^1], Is.Zero);
                for (int k = 0; k < count; k++)
                {
                    Assert.That(sigmas[k] + sigmas[count - 1 - k], Is.EqualTo(1).Within(2e-7), $"{k} of {count}");
                    Assert.That(k == 0 || sigmas[k] < sigmas[k - 1], $"{k} of {count} falls");
                }
            });
        }
    }

    // The steps' own levels, without the final zero.
    private static double[] Between(double lowest, double highest, int count)
    {
        SchedulerConfig config = SchedulerConfig
            .Of("EulerDiscreteScheduler")
            .With("use_beta_sigmas", true)
            .With("sigma_min", lowest)
            .With("sigma_max", highest);
        using var scheduler = Scheduler.Create(config, count);
        return [.. scheduler.Sigmas.Take(count)];
    }
}
