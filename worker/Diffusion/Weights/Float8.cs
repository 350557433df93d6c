namespace Generation.Diffusion.Weights;

/// <summary>The 256 values of the 8-bit floats. Micikevicius et al., FP8 Formats for Deep Learning, 2022.</summary>
internal static class Float8
{
    /// <summary>
    /// E4M3: four bits of exponent (bias 7), three of mantissa; no infinities, NaN only at S.1111.111 (torch's float8_e4m3fn).
    /// </summary>
    public static float[] E4M3 { get; } = Table(mantissaBits: 3, bias: 7, hasInfinity: false);

    /// <summary>
    /// E5M2: five bits of exponent (bias 15), two of mantissa, with infinities and NaNs as IEEE has them (torch's float8_e5m2).
    /// </summary>
    public static float[] E5M2 { get; } = Table(mantissaBits: 2, bias: 15, hasInfinity: true);

    private static float[] Table(int mantissaBits, int bias, bool hasInfinity)
    {
        float[] values = new float[256];
        int mantissas = 1 << mantissaBits;
        int topExponent = (0x7F >> mantissaBits);
        for (int code = 0; code < 256; code++)
        {
            int exponent = (code & 0x7F) >> mantissaBits;
            int mantissa = code & (mantissas - 1);
            float magnitude = exponent switch
            {
                0 => MathF.ScaleB(mantissa, 1 - bias - mantissaBits),
                _ when exponent == topExponent && hasInfinity => mantissa == 0 ? float.PositiveInfinity : float.NaN,
                _ when exponent == topExponent && mantissa == mantissas - 1 && !hasInfinity => float.NaN,
                _ => MathF.ScaleB(mantissas + mantissa, exponent - bias - mantissaBits),
            };
            values[code] = (code & 0x80) == 0 ? magnitude : -magnitude;
        }

        return values;
    }
}
