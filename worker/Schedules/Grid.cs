namespace Generation.Schedules;

/// <summary>Evenly spaced values and interpolation, with the rounding of NumPy, which the reference schedules are made with.</summary>
internal static class Grid
{
    /// <summary>Returns <paramref name="count"/> values from start to stop, both included.</summary>
    public static double[] Linspace(double start, double stop, int count)
    {
        double[] values = new double[count];
        double step = (stop - start) / (count - 1);
        for (int i = 0; i < count; i++)
        {
            values[i] = i * step + start;
        }

        if (count > 1)
        {
            values[^1] = stop;
        }
        else if (count == 1)
        {
            values[0] = start;
        }

        return values;
    }

    /// <summary>
    /// As <see cref="Linspace"/>, in single precision and from both ends towards the middle with one rounding a value, as torch.linspace
    /// fills it.
    /// </summary>
    public static float[] LinspaceSingle(double start, double stop, int count)
    {
        (float first, float last) = ((float)start, (float)stop);
        if (count == 1)
        {
            return [first];
        }

        float step = (last - first) / (count - 1);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = i < count / 2 ? MathF.FusedMultiplyAdd(step, i, first) : MathF.FusedMultiplyAdd(-step, count - i - 1, last);
        }

        return values;
    }

    /// <summary>Returns <paramref name="count"/> values from start downwards by <paramref name="step"/>.</summary>
    /// <remarks>
    /// numpy.arange adds an extra value at some lengths (61 steps of 1000), where the quotient rounds up; a schedule has exactly its steps.
    /// </remarks>
    public static double[] Descending(double start, double step, int count)
    {
        double delta = start - step - start;
        return [.. Enumerable.Range(0, count).Select(i => start + i * delta)];
    }

    /// <summary>The value of a table at a fractional index. Beyond its ends it is the value at the end.</summary>
    public static double Interpolate(IReadOnlyList<float> table, double index)
    {
        if (index <= 0)
        {
            return table[0];
        }

        if (index >= table.Count - 1)
        {
            return table[table.Count - 1];
        }

        int low = (int)index;
        double slope = (double)table[low + 1] - table[low];
        return slope * (index - low) + table[low];
    }

    public static float[] ToSingle(IEnumerable<double> values) => [.. values.Select(v => (float)v)];

    public static double[] ToDouble(IEnumerable<float> values) => [.. values.Select(v => (double)v)];

    /// <summary>
    /// The logarithm as NumPy's vectorised loops (AVX2 and AVX-512 alike) compute it in single precision: a quotient of two polynomials
    /// around 1, within 4 units in the last place. One value in sixteen differs from the correctly rounded logarithm, and that bit decides
    /// which whole timestep the noisiest level of a shaped schedule falls on.
    /// </summary>
    public static float Log(float value)
    {
        if (!float.IsNormal(value))
        {
            return MathF.Log(value);
        }

        int exponent = MathF.ILogB(value);
        float mantissa = MathF.ScaleB(value, -exponent);
        if (mantissa > MathF.Sqrt(2))
        {
            mantissa /= 2;
            exponent++;
        }

        float quotient = Polynomial(LogNumerator, mantissa - 1) / Polynomial(LogDenominator, mantissa - 1);
        return MathF.FusedMultiplyAdd(exponent, MathF.Log(2), quotient);
    }

    // Highest power first.
    private static readonly float[] LogNumerator =
    [
        2.589979117907922693523e-02f,
        3.808837741388407920751e-01f,
        1.480000633576506585156f,
        2.112677543073053063722f,
        1,
        0,
    ];

    private static readonly float[] LogDenominator =
    [
        5.875095403124574342950e-03f,
        1.546476374983906719538e-01f,
        9.864942958519418960339e-01f,
        2.453006071784736363091f,
        2.612677543073109236779f,
        1,
    ];

    private static float Polynomial(float[] coefficients, float x) => coefficients.Aggregate((sum, c) => MathF.FusedMultiplyAdd(sum, x, c));

    public static double[] Rounded(IEnumerable<double> values) => [.. values.Select(v => Math.Round(v))];

    public static double[] Truncated(IEnumerable<double> values) => [.. values.Select(Math.Truncate)];
}
