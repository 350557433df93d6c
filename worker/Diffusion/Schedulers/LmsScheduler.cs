using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>Linear multistep (Adams-Bashforth on uneven noise levels), from k-diffusion.</summary>
internal sealed class LmsScheduler : VarianceExplodingScheduler
{
    private const string Slopes = "derivatives";

    public LmsScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        if (options.LmsOrder < 1)
        {
            throw new SchedulerException($"order is {options.LmsOrder}; it must be at least 1");
        }
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        Tensor clean = Prediction.CleanAt(Config, modelOutput, sample, Levels[i]);
        Kept.Push(Slopes, (sample - clean) / Levels[i], Options.LmsOrder);
        int order = Math.Min(i + 1, Options.LmsOrder);
        Tensor sum = Kept.Past(Slopes, 1) * Coefficient(order, i, 0);
        // A run that begins late has fewer slopes than its order asks for.
        for (int k = 1; k < Math.Min(order, Kept.Count(Slopes)); k++)
        {
            sum = sum + Kept.Past(Slopes, k + 1) * Coefficient(order, i, k);
        }

        return sample + sum;
    }

    /// <summary>
    /// The integral from one level to the next of the Lagrange polynomial that is 1 at the level k steps back and 0 at the others.
    /// </summary>
    private double Coefficient(int order, int i, int current)
    {
        // Powers of the distance from the present level, lowest first.
        double[] polynomial = [1];
        double origin = Levels[i];
        for (int k = 0; k < order; k++)
        {
            if (k != current)
            {
                double root = Levels[i - k] - origin;
                double scale = 1 / ((double)Levels[i - current] - Levels[i - k]);
                double[] product = new double[polynomial.Length + 1];
                for (int p = 0; p < polynomial.Length; p++)
                {
                    product[p + 1] += polynomial[p] * scale;
                    product[p] -= polynomial[p] * root * scale;
                }

                polynomial = product;
            }
        }

        double distance = Levels[i + 1] - origin;
        return polynomial.Select((c, p) => c * Math.Pow(distance, p + 1) / (p + 1)).Sum();
    }
}
