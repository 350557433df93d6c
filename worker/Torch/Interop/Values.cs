using System.Runtime.InteropServices;

namespace Generation.Torch.Interop;

/// <summary>A number of any kind: 0 none, 1 integer, 2 floating point, 3 boolean. Laid out as in shim.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct ScalarValue(long bits, long kind)
{
    public readonly long Bits = bits;
    public readonly long Kind = kind;

    public static ScalarValue Of(double value) => new(BitConverter.DoubleToInt64Bits(value), 2);

    public static ScalarValue Of(long value) => new(value, 1);

    public double AsDouble => Kind == 2 ? BitConverter.Int64BitsToDouble(Bits) : Bits;

    public long AsLong => Kind == 2 ? (long)BitConverter.Int64BitsToDouble(Bits) : Bits;
}

/// <summary>Borrowed integers; a null pointer means absent. An empty list is present: see <see cref="Of"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct Longs(long* data, long count)
{
    private static readonly long* Nothing = (long*)NativeMemory.AllocZeroed(sizeof(long));

    public readonly long* Data = data;
    public readonly long Count = count;

    public static Longs Of(long* data, int count) => new(data is null ? Nothing : data, count);
}

/// <summary>Borrowed floating point numbers; a null pointer means absent.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct Doubles(double* data, long count)
{
    public readonly double* Data = data;
    public readonly long Count = count;
}

/// <summary>Borrowed tensor handles.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct Handles(nint* data, long count)
{
    public readonly nint* Data = data;
    public readonly long Count = count;
}

/// <summary>One place of an index, laid out as in shape.cpp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IndexPart
{
    public long Kind;
    public long Start;
    public long Stop;
    public long Step;
    public nint Tensor;
}
