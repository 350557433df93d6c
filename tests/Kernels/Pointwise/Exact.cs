namespace Generation.Kernels.Tests.Pointwise;

/// <summary>Activations in double precision, from their definitions.</summary>
internal static class Exact
{
    public static double Silu(double x) => x / (1 + Math.Exp(-x));

    public static double Gelu(double x) => x * 0.5 * (1 + Erf(x / Math.Sqrt(2)));

    private static double Erf(double x)
    {
        if (Math.Abs(x) > 7)
        {
            return Math.Sign(x);
        }

        // 2 / sqrt(pi) e^(-x^2) times the sum of 2^n x^(2n+1) / (1 3 5 .. (2n+1)), whose terms all have one sign
        double term = x;
        double sum = x;
        for (int n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}
