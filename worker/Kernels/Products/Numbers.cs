using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Generation.Kernels.Products;

internal static unsafe class Numbers
{
    /// <summary>Copies <paramref name="count"/> numbers, from <paramref name="index"/> on, as float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<TStorage>(void* numbers, nint index, float* to, int count)
        where TStorage : struct, IStorage
    {
        int i = 0;
        for (; i <= count - 32; i += 32)
        {
            Vector256<float> a = TStorage.LoadEight(numbers, index + i);
            Vector256<float> b = TStorage.LoadEight(numbers, index + i + 8);
            Vector256<float> c = TStorage.LoadEight(numbers, index + i + 16);
            Vector256<float> d = TStorage.LoadEight(numbers, index + i + 24);
            a.Store(to + i);
            b.Store(to + i + 8);
            c.Store(to + i + 16);
            d.Store(to + i + 24);
        }

        for (; i <= count - 8; i += 8)
        {
            TStorage.LoadEight(numbers, index + i).Store(to + i);
        }

        for (; i < count; i++)
        {
            to[i] = TStorage.Load(numbers, index + i);
        }
    }

    /// <summary>Zeros after the last of <paramref name="count"/> numbers, up to a multiple of <see cref="Depth.Step"/>.</summary>
    public static void Pad(float* numbers, int count)
    {
        for (int i = count; i < Depth.Padded(count); i++)
        {
            numbers[i] = 0;
        }
    }
}
