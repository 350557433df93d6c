namespace Generation.Diffusion.Schedulers;

/// <summary>Functions in single precision, to the bits of the libraries that the reference computes its schedules with.</summary>
internal static class ReferenceMath
{
    // Highest power first.
    private static readonly float[] LogNumerator =
        [2.589979117907922693523e-02f, 3.808837741388407920751e-01f, 1.480000633576506585156f, 2.112677543073053063722f, 1, 0];

    private static readonly float[] LogDenominator =
        [5.875095403124574342950e-03f, 1.546476374983906719538e-01f, 9.864942958519418960339e-01f, 2.453006071784736363091f, 2.612677543073109236779f, 1];

    /// <summary>
    /// The logarithm as NumPy's vectorised loops (AVX2 and AVX-512 alike) compute it: a quotient of two polynomials around 1,
    /// within 4 units in the last place. One value in sixteen differs from the rounded logarithm, and on that bit hangs at
    /// which whole timestep the noisiest level of a shaped schedule stands.
    /// </summary>
    public static float Log(float value)
    {
        if (!float.IsNormal(value))
        {
            return MathF.Log(value);
        }

        var exponent = MathF.ILogB(value);
        var mantissa = MathF.ScaleB(value, -exponent);
        if (mantissa > MathF.Sqrt(2))
        {
            mantissa /= 2;
            exponent++;
        }

        var quotient = Polynomial(LogNumerator, mantissa - 1) / Polynomial(LogDenominator, mantissa - 1);
        return MathF.FusedMultiplyAdd(exponent, MathF.Log(2), quotient);
    }

    /// <summary>
    /// The square root as the torch of the reference data (tests/Goldens) computes it, which is MKL's on a processor without
    /// fused arithmetic in its path: an estimate of 1 / sqrt, a Newton step, and a correction by the residual, each operation
    /// rounded. One value in six is off by a unit in the last place; a build with a correct square root differs there.
    /// </summary>
    public static float Sqrt(float value)
    {
        if (!float.IsNormal(value) || value < 0)
        {
            return MathF.Sqrt(value);
        }

        var estimate = ReciprocalSqrtEstimate(value);
        var root = value * estimate;
        root += 0.5f * root * (1 - root * estimate);
        return root + (value - root * root) * (0.5f * estimate);
    }

    // The instruction that makes the estimate is a table of the processor's. All of the 78 roots that the reference data tell agree with
    // this grid of 13 and 14 bits.
    private static float ReciprocalSqrtEstimate(float value)
    {
        var exponent = MathF.ILogB(value) & ~1;
        var mantissa = MathF.ScaleB(value, -exponent);
        var exact = 1 / Math.Sqrt(mantissa);
        var estimate = mantissa < 2
            ? Math.ScaleB(Math.Floor(Math.ScaleB(exact, 14) - 0.125), -14)
            : Math.ScaleB(Math.Floor(Math.ScaleB(exact, 13) + 0.375), -13);
        return (float)Math.ScaleB(estimate, -exponent / 2);
    }

    private static float Polynomial(float[] coefficients, float x) => coefficients.Aggregate((sum, c) => MathF.FusedMultiplyAdd(sum, x, c));
}
