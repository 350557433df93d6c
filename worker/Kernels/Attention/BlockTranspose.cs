using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Attention;

/// <summary>Transposes blocks of four by four numbers on the way between rows in memory and transposed blocks.</summary>
internal static unsafe class BlockTranspose
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load<TNumbers>(byte* from)
        where TNumbers : struct, INumbers =>
        typeof(TNumbers) == typeof(BFloat16Numbers)
            ? Sse2.ShiftLeftLogical(Sse41.ConvertToVector128Int32((ushort*)from), 16).AsSingle()
            : Sse.LoadVector128((float*)from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne<TNumbers>(byte* from)
        where TNumbers : struct, INumbers =>
        typeof(TNumbers) == typeof(BFloat16Numbers) ? BitConverter.UInt32BitsToSingle((uint)*(ushort*)from << 16) : *(float*)from;

    /// <summary>Transposes rows a .. d of four numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(ref Vector128<float> a, ref Vector128<float> b, ref Vector128<float> c, ref Vector128<float> d)
    {
        Vector128<float> ab = Sse.UnpackLow(a, b);
        Vector128<float> cd = Sse.UnpackLow(c, d);
        Vector128<float> abUpper = Sse.UnpackHigh(a, b);
        Vector128<float> cdUpper = Sse.UnpackHigh(c, d);
        a = Sse.MoveLowToHigh(ab, cd);
        b = Sse.MoveHighToLow(cd, ab);
        c = Sse.MoveLowToHigh(abUpper, cdUpper);
        d = Sse.MoveHighToLow(cdUpper, abUpper);
    }

    /// <summary>Writes rows of numbers as columns: number i of row r is written to to[i * stride + r].</summary>
    /// <param name="from">The first row.</param>
    /// <param name="rowBytes">The number of bytes from one row to the next.</param>
    /// <param name="rows">The number of rows; zeros are written for the others up to <paramref name="columns"/>.</param>
    /// <param name="columns">The number of columns to write, a multiple of 4.</param>
    /// <param name="size">The number of numbers of a row.</param>
    /// <param name="factor">A factor that each number is multiplied by.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteTransposed<TNumbers>(
        byte* from,
        long rowBytes,
        long rows,
        long columns,
        long size,
        float factor,
        float* to,
        long stride
    )
        where TNumbers : struct, INumbers
    {
        var by = Vector128.Create(factor);
        for (long r = 0; r < columns; r += 4)
        {
            byte* row = from + r * rowBytes;
            long there = rows - r;
            long i = 0;
            for (; i + 4 <= size; i += 4)
            {
                byte* at = row + i * TNumbers.Size;
                Vector128<float> a = there > 0 ? Load<TNumbers>(at) : default;
                Vector128<float> b = there > 1 ? Load<TNumbers>(at + rowBytes) : default;
                Vector128<float> c = there > 2 ? Load<TNumbers>(at + 2 * rowBytes) : default;
                Vector128<float> d = there > 3 ? Load<TNumbers>(at + 3 * rowBytes) : default;
                Transpose(ref a, ref b, ref c, ref d);
                float* place = to + i * stride + r;
                Sse.Store(place, Sse.Multiply(a, by));
                Sse.Store(place + stride, Sse.Multiply(b, by));
                Sse.Store(place + 2 * stride, Sse.Multiply(c, by));
                Sse.Store(place + 3 * stride, Sse.Multiply(d, by));
            }

            for (; i < size; i++)
            {
                for (long k = 0; k < 4; k++)
                {
                    to[i * stride + r + k] = k < there ? LoadOne<TNumbers>(row + k * rowBytes + i * TNumbers.Size) * factor : 0;
                }
            }
        }
    }

    /// <summary>Reverses <see cref="WriteTransposed{TNumbers}"/>: number i of row r is from[i * stride + r] * factors[r].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ReadTransposed<TNumbers>(float* from, long stride, float* factors, byte* to, long rowBytes, long rows, long size)
        where TNumbers : struct, INumbers
    {
        for (long r = 0; r < rows; r += 4)
        {
            Vector128<float> by = Sse.LoadVector128(factors + r);
            byte* row = to + r * rowBytes;
            long i = 0;
            for (; i + 4 <= size; i += 4)
            {
                float* place = from + i * stride + r;
                Vector128<float> a = Sse.Multiply(Sse.LoadVector128(place), by);
                Vector128<float> b = Sse.Multiply(Sse.LoadVector128(place + stride), by);
                Vector128<float> c = Sse.Multiply(Sse.LoadVector128(place + 2 * stride), by);
                Vector128<float> d = Sse.Multiply(Sse.LoadVector128(place + 3 * stride), by);
                Transpose(ref a, ref b, ref c, ref d);
                byte* at = row + i * TNumbers.Size;
                Store<TNumbers>(at, a);
                if (r + 1 < rows)
                {
                    Store<TNumbers>(at + rowBytes, b);
                }

                if (r + 2 < rows)
                {
                    Store<TNumbers>(at + 2 * rowBytes, c);
                }

                if (r + 3 < rows)
                {
                    Store<TNumbers>(at + 3 * rowBytes, d);
                }
            }

            for (; i < size; i++)
            {
                for (long k = 0; k < Math.Min(4, rows - r); k++)
                {
                    StoreOne<TNumbers>(row + k * rowBytes + i * TNumbers.Size, from[i * stride + r + k] * factors[r + k]);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TNumbers>(byte* to, Vector128<float> value)
        where TNumbers : struct, INumbers
    {
        if (typeof(TNumbers) == typeof(BFloat16Numbers))
        {
            *(ulong*)to = Narrow(value).AsUInt64().ToScalar();
        }
        else
        {
            Sse.Store((float*)to, value);
        }
    }

    private static void StoreOne<TNumbers>(byte* to, float value)
        where TNumbers : struct, INumbers
    {
        if (typeof(TNumbers) == typeof(BFloat16Numbers))
        {
            *(ushort*)to = Narrow(Vector128.Create(value)).ToScalar();
        }
        else
        {
            *(float*)to = value;
        }
    }

    // as in Lanes256
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> Narrow(Vector128<float> value)
    {
        Vector128<int> bits = value.AsInt32();
        Vector128<int> upper = Sse2.ShiftRightLogical(bits, 16);
        Vector128<int> even = Sse2.And(upper, Vector128.Create(1));
        Vector128<int> rounded = Sse2.ShiftRightLogical(Sse2.Add(bits, Sse2.Add(even, Vector128.Create(0x7fff))), 16);
        Vector128<int> quiet = Sse2.Or(upper, Vector128.Create(0x40));
        Vector128<int> words = Sse41.BlendVariable(rounded, quiet, Sse.CompareUnordered(value, value).AsInt32());
        return Sse41.PackUnsignedSaturate(words, words);
    }
}
