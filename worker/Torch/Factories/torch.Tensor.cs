namespace TorchSharp;

public static partial class torch
{
    public static Tensor tensor(float scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromSpan([scalar], ScalarType.Float32, [], dtype, device, requires_grad);

    public static Tensor tensor(float[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<float>(rawArray, ScalarType.Float32, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(IList<float> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<float>([.. rawArray], ScalarType.Float32, [rawArray.Count], dtype, device, requires_grad);

    public static Tensor tensor(float[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<float>(rawArray, ScalarType.Float32, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(float[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<float>(rawArray, ScalarType.Float32, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(IList<float> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<float>([.. rawArray], ScalarType.Float32, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(float[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<float>(rawArray, ScalarType.Float32, [rawArray.GetLength(0), rawArray.GetLength(1)], dtype, device, requires_grad);

    public static Tensor tensor(float[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<float>(rawArray, ScalarType.Float32, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2)], dtype, device, requires_grad);

    public static Tensor tensor(float[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<float>(rawArray, ScalarType.Float32, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2), rawArray.GetLength(3)], dtype, device, requires_grad);

    public static Tensor tensor(double scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromSpan([scalar], ScalarType.Float64, [], dtype, device, requires_grad);

    public static Tensor tensor(double[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<double>(rawArray, ScalarType.Float64, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(IList<double> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<double>([.. rawArray], ScalarType.Float64, [rawArray.Count], dtype, device, requires_grad);

    public static Tensor tensor(double[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<double>(rawArray, ScalarType.Float64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(double[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<double>(rawArray, ScalarType.Float64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(IList<double> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<double>([.. rawArray], ScalarType.Float64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(double[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<double>(rawArray, ScalarType.Float64, [rawArray.GetLength(0), rawArray.GetLength(1)], dtype, device, requires_grad);

    public static Tensor tensor(double[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<double>(rawArray, ScalarType.Float64, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2)], dtype, device, requires_grad);

    public static Tensor tensor(double[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<double>(rawArray, ScalarType.Float64, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2), rawArray.GetLength(3)], dtype, device, requires_grad);

    public static Tensor tensor(int scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromSpan([scalar], ScalarType.Int32, [], dtype, device, requires_grad);

    public static Tensor tensor(int[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<int>(rawArray, ScalarType.Int32, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(IList<int> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<int>([.. rawArray], ScalarType.Int32, [rawArray.Count], dtype, device, requires_grad);

    public static Tensor tensor(int[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<int>(rawArray, ScalarType.Int32, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(int[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<int>(rawArray, ScalarType.Int32, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(IList<int> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<int>([.. rawArray], ScalarType.Int32, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(int[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<int>(rawArray, ScalarType.Int32, [rawArray.GetLength(0), rawArray.GetLength(1)], dtype, device, requires_grad);

    public static Tensor tensor(int[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<int>(rawArray, ScalarType.Int32, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2)], dtype, device, requires_grad);

    public static Tensor tensor(int[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<int>(rawArray, ScalarType.Int32, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2), rawArray.GetLength(3)], dtype, device, requires_grad);

    public static Tensor tensor(long scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromSpan([scalar], ScalarType.Int64, [], dtype, device, requires_grad);

    public static Tensor tensor(long[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<long>(rawArray, ScalarType.Int64, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(IList<long> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<long>([.. rawArray], ScalarType.Int64, [rawArray.Count], dtype, device, requires_grad);

    public static Tensor tensor(long[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<long>(rawArray, ScalarType.Int64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(long[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<long>(rawArray, ScalarType.Int64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(IList<long> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<long>([.. rawArray], ScalarType.Int64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(long[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<long>(rawArray, ScalarType.Int64, [rawArray.GetLength(0), rawArray.GetLength(1)], dtype, device, requires_grad);

    public static Tensor tensor(long[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<long>(rawArray, ScalarType.Int64, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2)], dtype, device, requires_grad);

    public static Tensor tensor(long[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<long>(rawArray, ScalarType.Int64, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2), rawArray.GetLength(3)], dtype, device, requires_grad);

    public static Tensor tensor(byte scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromSpan([scalar], ScalarType.Byte, [], dtype, device, requires_grad);

    public static Tensor tensor(byte[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<byte>(rawArray, ScalarType.Byte, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(IList<byte> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<byte>([.. rawArray], ScalarType.Byte, [rawArray.Count], dtype, device, requires_grad);

    public static Tensor tensor(byte[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<byte>(rawArray, ScalarType.Byte, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(byte[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<byte>(rawArray, ScalarType.Byte, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(IList<byte> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<byte>([.. rawArray], ScalarType.Byte, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(byte[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<byte>(rawArray, ScalarType.Byte, [rawArray.GetLength(0), rawArray.GetLength(1)], dtype, device, requires_grad);

    public static Tensor tensor(byte[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<byte>(rawArray, ScalarType.Byte, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2)], dtype, device, requires_grad);

    public static Tensor tensor(byte[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<byte>(rawArray, ScalarType.Byte, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2), rawArray.GetLength(3)], dtype, device, requires_grad);

    public static Tensor tensor(sbyte scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromSpan([scalar], ScalarType.Int8, [], dtype, device, requires_grad);

    public static Tensor tensor(sbyte[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<sbyte>(rawArray, ScalarType.Int8, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(IList<sbyte> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<sbyte>([.. rawArray], ScalarType.Int8, [rawArray.Count], dtype, device, requires_grad);

    public static Tensor tensor(sbyte[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<sbyte>(rawArray, ScalarType.Int8, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(sbyte[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<sbyte>(rawArray, ScalarType.Int8, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(IList<sbyte> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<sbyte>([.. rawArray], ScalarType.Int8, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(sbyte[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<sbyte>(rawArray, ScalarType.Int8, [rawArray.GetLength(0), rawArray.GetLength(1)], dtype, device, requires_grad);

    public static Tensor tensor(sbyte[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<sbyte>(rawArray, ScalarType.Int8, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2)], dtype, device, requires_grad);

    public static Tensor tensor(sbyte[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<sbyte>(rawArray, ScalarType.Int8, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2), rawArray.GetLength(3)], dtype, device, requires_grad);

    public static Tensor tensor(short scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromSpan([scalar], ScalarType.Int16, [], dtype, device, requires_grad);

    public static Tensor tensor(short[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<short>(rawArray, ScalarType.Int16, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(IList<short> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<short>([.. rawArray], ScalarType.Int16, [rawArray.Count], dtype, device, requires_grad);

    public static Tensor tensor(short[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<short>(rawArray, ScalarType.Int16, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(short[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<short>(rawArray, ScalarType.Int16, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(IList<short> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<short>([.. rawArray], ScalarType.Int16, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(short[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<short>(rawArray, ScalarType.Int16, [rawArray.GetLength(0), rawArray.GetLength(1)], dtype, device, requires_grad);

    public static Tensor tensor(short[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<short>(rawArray, ScalarType.Int16, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2)], dtype, device, requires_grad);

    public static Tensor tensor(short[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<short>(rawArray, ScalarType.Int16, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2), rawArray.GetLength(3)], dtype, device, requires_grad);

    public static Tensor tensor(bool scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromSpan([scalar], ScalarType.Bool, [], dtype, device, requires_grad);

    public static Tensor tensor(bool[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<bool>(rawArray, ScalarType.Bool, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(IList<bool> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<bool>([.. rawArray], ScalarType.Bool, [rawArray.Count], dtype, device, requires_grad);

    public static Tensor tensor(bool[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<bool>(rawArray, ScalarType.Bool, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(bool[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<bool>(rawArray, ScalarType.Bool, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(IList<bool> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<bool>([.. rawArray], ScalarType.Bool, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(bool[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<bool>(rawArray, ScalarType.Bool, [rawArray.GetLength(0), rawArray.GetLength(1)], dtype, device, requires_grad);

    public static Tensor tensor(bool[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<bool>(rawArray, ScalarType.Bool, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2)], dtype, device, requires_grad);

    public static Tensor tensor(bool[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<bool>(rawArray, ScalarType.Bool, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2), rawArray.GetLength(3)], dtype, device, requires_grad);

    public static Tensor tensor(Half scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromSpan([scalar], ScalarType.Float16, [], dtype, device, requires_grad);

    public static Tensor tensor(Half[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<Half>(rawArray, ScalarType.Float16, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(IList<Half> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<Half>([.. rawArray], ScalarType.Float16, [rawArray.Count], dtype, device, requires_grad);

    public static Tensor tensor(Half[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<Half>(rawArray, ScalarType.Float16, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(Half[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<Half>(rawArray, ScalarType.Float16, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(IList<Half> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromSpan<Half>([.. rawArray], ScalarType.Float16, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(Half[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<Half>(rawArray, ScalarType.Float16, [rawArray.GetLength(0), rawArray.GetLength(1)], dtype, device, requires_grad);

    public static Tensor tensor(Half[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<Half>(rawArray, ScalarType.Float16, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2)], dtype, device, requires_grad);

    public static Tensor tensor(Half[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<Half>(rawArray, ScalarType.Float16, [rawArray.GetLength(0), rawArray.GetLength(1), rawArray.GetLength(2), rawArray.GetLength(3)], dtype, device, requires_grad);
}
