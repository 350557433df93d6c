using Generation.Torch.Interop;

namespace TorchSharp;

/// <summary>A number of any type, as libtorch's operations take it. Numbers convert to it by themselves.</summary>
public sealed class Scalar
{
    internal Scalar(ScalarValue value, torch.ScalarType type)
    {
        Value = value;
        Type = type;
    }

    internal ScalarValue Value { get; }

    public torch.ScalarType Type { get; }

    public static implicit operator Scalar(byte value) => new(ScalarValue.Of((long)value), torch.ScalarType.Byte);

    public static implicit operator Scalar(sbyte value) => new(ScalarValue.Of((long)value), torch.ScalarType.Int8);

    public static implicit operator Scalar(short value) => new(ScalarValue.Of((long)value), torch.ScalarType.Int16);

    public static implicit operator Scalar(int value) => new(ScalarValue.Of((long)value), torch.ScalarType.Int32);

    public static implicit operator Scalar(long value) => new(ScalarValue.Of(value), torch.ScalarType.Int64);

    public static implicit operator Scalar(Half value) => new(ScalarValue.Of((double)value), torch.ScalarType.Float16);

    public static implicit operator Scalar(float value) => new(ScalarValue.Of((double)value), torch.ScalarType.Float32);

    public static implicit operator Scalar(double value) => new(ScalarValue.Of(value), torch.ScalarType.Float64);

    public static implicit operator Scalar(bool value) => new(new ScalarValue(value ? 1 : 0, 3), torch.ScalarType.Bool);

    public override string ToString() => Value.Kind switch
    {
        1 => Value.AsLong.ToString(),
        3 => Value.Bits != 0 ? "True" : "False",
        _ => Value.AsDouble.ToString(),
    };

    internal static ScalarValue Of(Scalar? scalar) => scalar?.Value ?? default;
}

/// <summary>Scalars to numbers and back.</summary>
public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;

    public static Scalar ToScalar(this sbyte value) => value;

    public static Scalar ToScalar(this short value) => value;

    public static Scalar ToScalar(this int value) => value;

    public static Scalar ToScalar(this long value) => value;

    public static Scalar ToScalar(this float value) => value;

    public static Scalar ToScalar(this double value) => value;

    public static Scalar ToScalar(this bool value) => value;

    public static Scalar ToScalar(this Half value) => value;

    public static float ToSingle(this Scalar value) => (float)value.Value.AsDouble;

    public static double ToDouble(this Scalar value) => value.Value.AsDouble;

    public static byte ToByte(this Scalar value) => (byte)value.Value.AsLong;

    public static int ToInt32(this Scalar value) => (int)value.Value.AsLong;

    public static long ToInt64(this Scalar value) => value.Value.AsLong;

    public static bool ToBoolean(this Scalar value) => value.Value.AsDouble != 0;
}
