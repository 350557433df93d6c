namespace Generation.Diffusion.Schedulers;

/// <summary>
/// The weights of past outputs in SA-Solver: Lagrange polynomials through the known lambdas, integrated over a step with an exponential
/// weight. It is computed in single precision, in the order of the reference implementation.
/// </summary>
internal static class SaSolverCoefficients
{
    /// <param name="lambdas">The lambdas at which outputs are known, newest first; one to four.</param>
    /// <param name="start">Lambda at the start of the step.</param>
    /// <param name="end">Lambda at its end.</param>
    /// <param name="tau">Noise scale for predictions of the clean sample; null for predictions of the noise.</param>
    public static float[] Of(float[] lambdas, float start, float end, int? tau)
    {
        int order = lambdas.Length;
        float[] integrals =
        [
            .. Enumerable
                .Range(0, order)
                .Select(power =>
                    tau is { } scale
                        ? Rising(power, (1 + scale * scale) * start, (1 + scale * scale) * end, 1 + scale * scale)
                        : Falling(power, start, end)
                ),
        ];
        return
        [
            .. Enumerable
                .Range(0, order)
                .Select(i =>
                {
                    float[] polynomial = Lagrange(lambdas, i);
                    float weight = 0f;
                    for (int j = 0; j < order; j++)
                    {
                        weight += polynomial[j] * integrals[order - 1 - j];
                    }

                    return weight;
                }),
        ];
    }

    /// <summary>What the weights of order two are changed by, to fit the exact solution of a linear equation better.</summary>
    /// <param name="variance">1 + tau squared.</param>
    /// <param name="end">Lambda at the end of the step.</param>
    /// <param name="h">The step in lambda.</param>
    /// <param name="before">The length of the step before it, for the predictor; null for the corrector.</param>
    public static float SecondOrder(int variance, float end, float h, float? before)
    {
        float tail = h * variance - 1 + MathF.Exp(variance * -h);
        float squared = variance * variance;
        return before is { } step
            ? MathF.Exp(variance * end) * (h * h / 2 - tail / squared) / step
            : MathF.Exp(variance * end) * (h / 2 - tail / (squared * h));
    }

    // Coefficients of the polynomial that is 1 at lambda i and 0 at the others, highest power first.
    private static float[] Lagrange(float[] lambdas, int i)
    {
        float[] others = [.. lambdas.Where((_, k) => k != i)];
        float denominator = others.Aggregate(1f, (product, other) => product * (lambdas[i] - other));
        return others switch
        {
            [] => [1],
            [var a] => [1 / denominator, -a / denominator],
            [var a, var b] => [1 / denominator, (-a - b) / denominator, a * b / denominator],
            [var a, var b, var c] =>
            [
                1 / denominator,
                (-a - b - c) / denominator,
                (a * b + a * c + b * c) / denominator,
                -a * b * c / denominator,
            ],
            _ => throw new SchedulerException($"SA-Solver has orders 1 to 4, not {lambdas.Length}"),
        };
    }

    // Integral of exp(-x) x^power.
    private static float Falling(int power, float start, float end)
    {
        float ratio = MathF.Exp(end - start);
        return MathF.Exp(-end)
            * (
                power switch
                {
                    0 => ratio - 1,
                    1 => (start + 1) * ratio - (end + 1),
                    2 => (start * start + 2 * start + 2) * ratio - (end * end + 2 * end + 2),
                    _ => (start * start * start + 3 * (start * start) + 6 * start + 6) * ratio
                        - (end * end * end + 3 * (end * end) + 6 * end + 6),
                }
            );
    }

    // Integral of exp(variance x) x^power, with both ends given times the variance.
    private static float Rising(int power, float start, float end, int variance)
    {
        float ratio = MathF.Exp(-(end - start));
        return MathF.Exp(end)
            * (
                power switch
                {
                    0 => 1 - ratio,
                    1 => end - 1 - (start - 1) * ratio,
                    2 => end * end - 2 * end + 2 - (start * start - 2 * start + 2) * ratio,
                    _ => end * end * end
                        - 3 * (end * end)
                        + 6 * end
                        - 6
                        - (start * start * start - 3 * (start * start) + 6 * start - 6) * ratio,
                }
            )
            / MathF.Pow(variance, power + 1);
    }
}
