namespace TorchSharp;

/// <summary>One-element tensors as numbers, and the like.</summary>
public static class TensorExtensionMethods
{
    /// <summary>Bytes of one element.</summary>
    public static int ElementSize(this torch.ScalarType type) => type switch
    {
        torch.ScalarType.Byte or torch.ScalarType.Int8 or torch.ScalarType.Bool => 1,
        torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
        torch.ScalarType.Int32 or torch.ScalarType.Float32 => 4,
        torch.ScalarType.Int64 or torch.ScalarType.Float64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not an element type"),
    };

    public static float ToSingle(this torch.Tensor value) => (float)value.ReadItem().AsDouble;

    public static double ToDouble(this torch.Tensor value) => value.ReadItem().AsDouble;

    public static Half ToHalf(this torch.Tensor value) => (Half)value.ReadItem().AsDouble;

    public static byte ToByte(this torch.Tensor value) => (byte)value.ReadItem().AsLong;

    public static short ToInt16(this torch.Tensor value) => (short)value.ReadItem().AsLong;

    public static int ToInt32(this torch.Tensor value) => (int)value.ReadItem().AsLong;

    public static long ToInt64(this torch.Tensor value) => value.ReadItem().AsLong;

    public static bool ToBoolean(this torch.Tensor value) => value.ReadItem().AsDouble != 0;
}
