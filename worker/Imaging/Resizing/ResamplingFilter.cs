namespace Generation.Imaging.Resizing;

/// <summary>How pixels are weighted when a picture is resized. The filters are Pillow's (src/libImaging/Resample.c).</summary>
public enum ResamplingFilter
{
    /// <summary>The one pixel under the new pixel's centre.</summary>
    Nearest = 0,

    /// <summary>The mean of the pixels that the new pixel covers.</summary>
    Box = 1,

    /// <summary>A triangle, two pixels wide.</summary>
    Bilinear = 2,

    /// <summary>A windowed sinc, two pixels wide: sharper than bilinear.</summary>
    Hamming = 3,

    /// <summary>Keys' cubic with a = -0.5, four pixels wide.</summary>
    Bicubic = 4,

    /// <summary>Lanczos' windowed sinc with three lobes, six pixels wide.</summary>
    Lanczos = 5,
}

/// <summary>The filters as functions of the distance from the new pixel's centre.</summary>
internal static class ResamplingFilters
{
    /// <summary>The distance beyond which the filter is 0, in pixels of the larger of the two scales.</summary>
    public static double Support(this ResamplingFilter filter) =>
        filter switch
        {
            ResamplingFilter.Box => 0.5,
            ResamplingFilter.Bilinear or ResamplingFilter.Hamming => 1,
            ResamplingFilter.Bicubic => 2,
            ResamplingFilter.Lanczos => 3,
            _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "Not a filter with weights."),
        };

    public static double Weight(this ResamplingFilter filter, double x) =>
        filter switch
        {
            ResamplingFilter.Box => x is > -0.5 and <= 0.5 ? 1 : 0,
            ResamplingFilter.Bilinear => Math.Max(0, 1 - Math.Abs(x)),
            ResamplingFilter.Hamming => Hamming(Math.Abs(x)),
            ResamplingFilter.Bicubic => Cubic(Math.Abs(x)),
            ResamplingFilter.Lanczos => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0,
            _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "Not a filter with weights."),
        };

    private static double Hamming(double x)
    {
        if (x == 0)
        {
            return 1;
        }

        double angle = x * Math.PI;
        return x >= 1 ? 0 : Math.Sin(angle) / angle * (0.54 + (0.46 * Math.Cos(angle)));
    }

    private static double Cubic(double x)
    {
        const double A = -0.5;
        return x switch
        {
            < 1 => ((((A + 2) * x) - (A + 3)) * x * x) + 1,
            < 2 => ((((x - 5) * x) + 8) * x - 4) * A,
            _ => 0,
        };
    }

    private static double Sinc(double x)
    {
        double angle = x * Math.PI;
        return x == 0 ? 1 : Math.Sin(angle) / angle;
    }
}
