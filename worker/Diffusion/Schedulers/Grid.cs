namespace Generation.Diffusion.Schedulers;

/// <summary>Evenly spaced values and interpolation with the rounding of NumPy, from which the reference schedules are made.</summary>
internal static class Grid
{
    /// <summary><paramref name="count"/> values from start to stop, both included.</summary>
    public static double[] Linspace(double start, double stop, int count)
    {
        var values = new double[count];
        var step = (stop - start) / (count - 1);
        for (var i = 0; i < count; i++)
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

    /// <summary>As <see cref="Linspace"/>, in single precision and from both ends towards the middle with one rounding a value, as torch.linspace fills it.</summary>
    public static float[] LinspaceSingle(double start, double stop, int count)
    {
        var (first, last) = ((float)start, (float)stop);
        if (count == 1)
        {
            return [first];
        }

        var step = (last - first) / (count - 1);
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = i < count / 2
                ? MathF.FusedMultiplyAdd(step, i, first)
                : MathF.FusedMultiplyAdd(-step, count - i - 1, last);
        }

        return values;
    }

    /// <summary><paramref name="count"/> values from start downwards by <paramref name="step"/>.</summary>
    /// <remarks>numpy.arange adds an extra value at some lengths (61 steps of 1000), where the quotient rounds up; a schedule has exactly its steps.</remarks>
    public static double[] Descending(double start, double step, int count)
    {
        var delta = start - step - start;
        return [.. Enumerable.Range(0, count).Select(i => start + i * delta)];
    }

    /// <summary>The value of a table at a fractional index, held at its ends.</summary>
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

        var low = (int)index;
        var slope = (double)table[low + 1] - table[low];
        return slope * (index - low) + table[low];
    }

    public static float[] ToSingle(IEnumerable<double> values) => [.. values.Select(v => (float)v)];

    public static double[] ToDouble(IEnumerable<float> values) => [.. values.Select(v => (double)v)];

    public static double[] Rounded(IEnumerable<double> values) => [.. values.Select(v => Math.Round(v))];

    public static double[] Truncated(IEnumerable<double> values) => [.. values.Select(Math.Truncate)];
}
