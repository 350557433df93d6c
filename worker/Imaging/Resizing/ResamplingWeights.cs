namespace Generation.Imaging.Resizing;

/// <summary>
/// For each new pixel of a row (or column) the old pixels that it is computed from and their weights, as multiples of 1 / 2^22: Pillow's
/// precompute_coeffs and normalize_coeffs_8bpc.
/// </summary>
internal sealed class ResamplingWeights
{
    /// <summary>The number of fractional bits of a weight: 32 less 8 for the value, 1 for overshoot and 1 for the sign.</summary>
    public const int Bits = 22;

    private readonly int[] _weights;
    private readonly int[] _starts;
    private readonly int[] _counts;
    private readonly int _size;

    /// <summary>
    /// Computes the weights of the pixels from <paramref name="from"/> to <paramref name="to"/> of <paramref name="oldSize"/> for
    /// <paramref name="newSize"/> new ones.
    /// </summary>
    public ResamplingWeights(ResamplingFilter filter, int oldSize, double from, double to, int newSize)
        : this(filter, oldSize, from, to, newSize, 0, newSize) { }

    /// <summary>As above, of the new pixels for <paramref name="count"/> alone, the first of which is <paramref name="start"/>.</summary>
    public ResamplingWeights(ResamplingFilter filter, int oldSize, double from, double to, long newSize, long start, int count)
    {
        // Pillow keeps a part's bounds in single precision
        from = (float)from;
        double scale = (double)((float)to - (float)from) / newSize;
        // Making smaller, the filter widens with the scale, so that every old pixel counts
        double widening = Math.Max(scale, 1);
        double support = filter.Support() * widening;
        _size = ((int)Math.Ceiling(support) * 2) + 1;
        _weights = new int[_size * count];
        _starts = new int[count];
        _counts = new int[count];

        double[] exact = new double[_size];
        for (int i = 0; i < count; i++)
        {
            double center = from + ((start + i + 0.5) * scale);
            int first = Math.Max((int)(center - support + 0.5), 0);
            int number = Math.Min((int)(center + support + 0.5), oldSize) - first;
            double sum = 0;
            for (int k = 0; k < number; k++)
            {
                exact[k] = filter.Weight((k + first - center + 0.5) * (1 / widening));
                sum += exact[k];
            }

            for (int k = 0; k < number; k++)
            {
                double weight = (sum != 0 ? exact[k] / sum : exact[k]) * (1 << Bits);
                _weights[(i * _size) + k] = (int)(weight < 0 ? weight - 0.5 : weight + 0.5);
            }

            (_starts[i], _counts[i]) = (first, number);
        }
    }

    /// <summary>The first old pixel of new pixel <paramref name="i"/>.</summary>
    public int Start(int i) => _starts[i];

    public ReadOnlySpan<int> Weights(int i) => _weights.AsSpan(i * _size, Math.Max(_counts[i], 0));
}
