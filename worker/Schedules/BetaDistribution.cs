namespace Generation.Schedules;

/// <summary>
/// The beta distribution: its cumulative distribution function, which is the regularised incomplete beta function, and the inverse of that.
/// </summary>
internal static class BetaDistribution
{
    private const int MaximumIterations = 500;

    private static readonly double[] Lanczos =
    [
        0.99999999999980993,
        676.5203681218851,
        -1259.1392167224028,
        771.32342877765313,
        -176.61502916214059,
        12.507343278686905,
        -0.13857109526572012,
        9.9843695780195716e-6,
        1.5056327351493116e-7,
    ];

    /// <summary>The value below which the share <paramref name="probability"/> of the distribution lies.</summary>
    /// <param name="probability">0 to 1.</param>
    /// <param name="a">The first shape parameter, above 0.</param>
    /// <param name="b">The second shape parameter, above 0.</param>
    public static double Quantile(double probability, double a, double b)
    {
        if (probability is <= 0 or >= 1)
        {
            return Math.Clamp(probability, 0, 1);
        }

        // Halving on the logarithm of the value, as the values next to 0 are asked for with the same relative precision;
        // next to 1 the distribution is turned around.
        if (probability > Cumulative(0.5, a, b))
        {
            return 1 - LowerQuantile(1 - probability, b, a);
        }

        return LowerQuantile(probability, a, b);
    }

    /// <summary>The share of the distribution below <paramref name="x"/>: I_x(a, b).</summary>
    public static double Cumulative(double x, double a, double b)
    {
        if (x is <= 0 or >= 1)
        {
            return Math.Clamp(x, 0, 1);
        }

        // The continued fraction converges quickly below the mean; above it the symmetry I_x(a, b) = 1 - I_1-x(b, a) serves.
        return x < (a + 1) / (a + b + 2)
            ? Front(x, a, b) * ContinuedFraction(x, a, b) / a
            : 1 - Front(1 - x, b, a) * ContinuedFraction(1 - x, b, a) / b;
    }

    private static double LowerQuantile(double probability, double a, double b)
    {
        (double low, double high) = (Math.Log(double.Epsilon), Math.Log(0.5));
        for (int i = 0; i < MaximumIterations && high - low > 1e-16 * Math.Abs(low); i++)
        {
            double middle = low + (high - low) / 2;
            if (middle == low || middle == high)
            {
                break;
            }

            (low, high) = Cumulative(Math.Exp(middle), a, b) < probability ? (middle, high) : (low, middle);
        }

        return Math.Exp(low + (high - low) / 2);
    }

    private static double Front(double x, double a, double b) =>
        Math.Exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * Math.Log(x) + b * Math.Log(1 - x));

    // Lentz's method on the continued fraction 26.5.8 of Abramowitz and Stegun.
    private static double ContinuedFraction(double x, double a, double b)
    {
        const double Tiny = 1e-300;
        static double Held(double value) => Math.Abs(value) < Tiny ? Tiny : value;
        double c = 1d;
        double d = 1 / Held(1 - (a + b) * x / (a + 1));
        double result = d;
        for (int m = 1; m <= MaximumIterations; m++)
        {
            double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 / Held(1 + even * d);
            c = Held(1 + even / c);
            result *= d * c;
            double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = 1 / Held(1 + odd * d);
            c = Held(1 + odd / c);
            double change = d * c;
            result *= change;
            if (Math.Abs(change - 1) < 1e-16)
            {
                break;
            }
        }

        return result;
    }

    private static double LogGamma(double x)
    {
        if (x < 0.5)
        {
            return Math.Log(Math.PI / Math.Sin(Math.PI * x)) - LogGamma(1 - x);
        }

        double sum = Lanczos[0];
        for (int i = 1; i < Lanczos.Length; i++)
        {
            sum += Lanczos[i] / (x - 1 + i);
        }

        double t = x - 1 + 7.5;
        return 0.5 * Math.Log(2 * Math.PI) + (x - 0.5) * Math.Log(t) - t + Math.Log(sum);
    }
}
