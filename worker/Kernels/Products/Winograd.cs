using System.Runtime.CompilerServices;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Products;

/// <summary>
/// The transforms of Winograd's F(4 x 4, 3 x 3): 16 pixels of a 3 x 3 convolution's result with 36 multiplications instead of 144 (Lavin
/// and Gray, 2016). The polynomials are interpolated at 0, infinity, +-0.625 and +-1.5, which keeps the error in float32 within twice that
/// of direct summation; at 0, infinity, +-1 and +-2 it is six times as large. All transforms are over channels or outputs in vectors.
/// </summary>
internal static unsafe class Winograd
{
    /// <summary>The height and width of a tile of the result, in pixels.</summary>
    public const int Outputs = 4;

    /// <summary>The height and width of the input of a tile, in pixels.</summary>
    public const int Inputs = 6;

    /// <summary>The number of products of a tile.</summary>
    public const int Products = Inputs * Inputs;

    private const float A = 0.625f;
    private const float B = 1.5f;
    private const float A2 = A * A;
    private const float B2 = B * B;

    // 1 over the product of a point's differences to all other points
    private const double ZeroFactor = 1 / ((double)A2 * B2);
    private const double AFactor = 1 / (2.0 * A2 * (A2 - B2));
    private const double BFactor = 1 / (2.0 * B2 * (B2 - A2));

    /// <summary>Transforms the pixels of a tile.</summary>
    /// <param name="pixels">The addresses of the first channel of 36 pixels, row by row.</param>
    /// <param name="to">36 times <paramref name="channels"/> numbers, <paramref name="stride"/> apart.</param>
    /// <param name="channels">The number of channels, a multiple of a vector's size.</param>
    /// <param name="half">Memory for 36 vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Input<TNumbers, TLanes, TVector>(byte** pixels, float* to, nint stride, int channels, float* half)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        nint across = TLanes.Count * Inputs;
        for (int channel = 0; channel < channels; channel += TLanes.Count)
        {
            nint at = channel * TNumbers.Size;
            for (int j = 0; j < Inputs; j++)
            {
                Input<TLanes, TVector>(
                    TNumbers.Load<TLanes, TVector>(pixels[j] + at),
                    TNumbers.Load<TLanes, TVector>(pixels[Inputs + j] + at),
                    TNumbers.Load<TLanes, TVector>(pixels[(2 * Inputs) + j] + at),
                    TNumbers.Load<TLanes, TVector>(pixels[(3 * Inputs) + j] + at),
                    TNumbers.Load<TLanes, TVector>(pixels[(4 * Inputs) + j] + at),
                    TNumbers.Load<TLanes, TVector>(pixels[(5 * Inputs) + j] + at),
                    half + (j * TLanes.Count),
                    across
                );
            }

            for (int i = 0; i < Inputs; i++)
            {
                float* from = half + (i * across);
                Input<TLanes, TVector>(
                    TLanes.Load(from),
                    TLanes.Load(from + TLanes.Count),
                    TLanes.Load(from + (2 * TLanes.Count)),
                    TLanes.Load(from + (3 * TLanes.Count)),
                    TLanes.Load(from + (4 * TLanes.Count)),
                    TLanes.Load(from + (5 * TLanes.Count)),
                    to + (i * Inputs * stride) + channel,
                    stride
                );
            }
        }
    }

    /// <summary>Transforms the weights of some channels for one panel, for the products of one row (of six).</summary>
    /// <param name="taps">The addresses of the first channel of the nine taps: (channels, columns).</param>
    /// <param name="to">Six times (channels, columns).</param>
    /// <param name="count">The number of channels times that of columns.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weight<TNumbers, TLanes, TVector>(byte** taps, float* to, int count, int row)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        (double first, double second, double third) = row switch
        {
            0 => (ZeroFactor, 0.0, 0.0),
            1 => (AFactor, A * AFactor, A2 * AFactor),
            2 => (AFactor, -A * AFactor, A2 * AFactor),
            3 => (BFactor, B * BFactor, B2 * BFactor),
            4 => (BFactor, -B * BFactor, B2 * BFactor),
            _ => (0.0, 0.0, 1.0),
        };
        TVector x = TLanes.Create((float)first);
        TVector y = TLanes.Create((float)second);
        TVector z = TLanes.Create((float)third);
        for (int i = 0; i < count; i += TLanes.Count)
        {
            nint at = i * TNumbers.Size;
            TVector left = Down<TNumbers, TLanes, TVector>(taps[0] + at, taps[3] + at, taps[6] + at, x, y, z);
            TVector middle = Down<TNumbers, TLanes, TVector>(taps[1] + at, taps[4] + at, taps[7] + at, x, y, z);
            TVector right = Down<TNumbers, TLanes, TVector>(taps[2] + at, taps[5] + at, taps[8] + at, x, y, z);
            float* product = to + i;
            TLanes.Store(product, TLanes.Multiply(left, TLanes.Create((float)ZeroFactor)));

            TVector even = TLanes.MultiplyAdd(
                right,
                TLanes.Create((float)(A2 * AFactor)),
                TLanes.Multiply(left, TLanes.Create((float)AFactor))
            );
            TVector odd = TLanes.Create((float)(A * AFactor));
            TLanes.Store(product + count, TLanes.MultiplyAdd(middle, odd, even));
            TLanes.Store(product + (2 * count), TLanes.NegatedMultiplyAdd(middle, odd, even));

            even = TLanes.MultiplyAdd(right, TLanes.Create((float)(B2 * BFactor)), TLanes.Multiply(left, TLanes.Create((float)BFactor)));
            odd = TLanes.Create((float)(B * BFactor));
            TLanes.Store(product + (3 * count), TLanes.MultiplyAdd(middle, odd, even));
            TLanes.Store(product + (4 * count), TLanes.NegatedMultiplyAdd(middle, odd, even));
            TLanes.Store(product + (5 * count), right);
        }
    }

    /// <summary>Transforms the products of a tile, for one vector of outputs.</summary>
    /// <param name="products">36 vectors, <paramref name="stride"/> numbers apart.</param>
    /// <param name="to">Sixteen vectors, the tile's pixels row by row.</param>
    /// <param name="half">Memory for 24 vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TLanes, TVector>(float* products, nint stride, float* to, float* half)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        nint down = stride * Inputs;
        nint across = TLanes.Count * Inputs;
        for (int j = 0; j < Inputs; j++)
        {
            float* from = products + (j * stride);
            Output<TLanes, TVector>(
                TLanes.Load(from),
                TLanes.Load(from + down),
                TLanes.Load(from + (2 * down)),
                TLanes.Load(from + (3 * down)),
                TLanes.Load(from + (4 * down)),
                TLanes.Load(from + (5 * down)),
                half + (j * TLanes.Count),
                across
            );
        }

        for (int i = 0; i < Outputs; i++)
        {
            float* from = half + (i * across);
            Output<TLanes, TVector>(
                TLanes.Load(from),
                TLanes.Load(from + TLanes.Count),
                TLanes.Load(from + (2 * TLanes.Count)),
                TLanes.Load(from + (3 * TLanes.Count)),
                TLanes.Load(from + (4 * TLanes.Count)),
                TLanes.Load(from + (5 * TLanes.Count)),
                to + (i * Outputs * TLanes.Count),
                TLanes.Count
            );
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Input<TLanes, TVector>(
        TVector d0,
        TVector d1,
        TVector d2,
        TVector d3,
        TVector d4,
        TVector d5,
        float* to,
        nint stride
    )
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        TVector sum = TLanes.Create(A2 + B2);
        TVector product = TLanes.Create(A2 * B2);
        TLanes.Store(to, TLanes.MultiplyAdd(d0, product, TLanes.NegatedMultiplyAdd(d2, sum, d4)));
        TLanes.Store(to + (5 * stride), TLanes.MultiplyAdd(d1, product, TLanes.NegatedMultiplyAdd(d3, sum, d5)));

        TVector even = TLanes.NegatedMultiplyAdd(d2, TLanes.Create(B2), d4);
        TVector odd = TLanes.NegatedMultiplyAdd(d1, TLanes.Create(B2), d3);
        TLanes.Store(to + stride, TLanes.MultiplyAdd(odd, TLanes.Create(A), even));
        TLanes.Store(to + (2 * stride), TLanes.NegatedMultiplyAdd(odd, TLanes.Create(A), even));

        even = TLanes.NegatedMultiplyAdd(d2, TLanes.Create(A2), d4);
        odd = TLanes.NegatedMultiplyAdd(d1, TLanes.Create(A2), d3);
        TLanes.Store(to + (3 * stride), TLanes.MultiplyAdd(odd, TLanes.Create(B), even));
        TLanes.Store(to + (4 * stride), TLanes.NegatedMultiplyAdd(odd, TLanes.Create(B), even));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Down<TNumbers, TLanes, TVector>(byte* top, byte* middle, byte* bottom, TVector x, TVector y, TVector z)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        TVector sum = TLanes.Multiply(TNumbers.Load<TLanes, TVector>(top), x);
        sum = TLanes.MultiplyAdd(TNumbers.Load<TLanes, TVector>(middle), y, sum);
        return TLanes.MultiplyAdd(TNumbers.Load<TLanes, TVector>(bottom), z, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Output<TLanes, TVector>(
        TVector m0,
        TVector m1,
        TVector m2,
        TVector m3,
        TVector m4,
        TVector m5,
        float* to,
        nint stride
    )
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        TVector a = TLanes.Add(m1, m2);
        TVector b = TLanes.Add(m3, m4);
        TLanes.Store(to, TLanes.Add(m0, TLanes.Add(a, b)));
        TLanes.Store(to + (2 * stride), TLanes.MultiplyAdd(a, TLanes.Create(A2), TLanes.Multiply(b, TLanes.Create(B2))));

        a = TLanes.Subtract(m1, m2);
        b = TLanes.Subtract(m3, m4);
        TLanes.Store(to + stride, TLanes.MultiplyAdd(a, TLanes.Create(A), TLanes.Multiply(b, TLanes.Create(B))));
        TLanes.Store(to + (3 * stride), TLanes.MultiplyAdd(a, TLanes.Create(A * A2), TLanes.MultiplyAdd(b, TLanes.Create(B * B2), m5)));
    }
}
