using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>Element types of the safetensors format, by the names that its headers use.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1707", Justification = "The format's own names.")]
public enum WeightDtype
{
    BOOL,
    U8,
    I8,
    F8_E5M2,
    F8_E4M3,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

public static class WeightDtypes
{
    /// <summary>The size of one element in bytes.</summary>
    public static int Size(this WeightDtype dtype) =>
        dtype switch
        {
            WeightDtype.BOOL or WeightDtype.U8 or WeightDtype.I8 or WeightDtype.F8_E5M2 or WeightDtype.F8_E4M3 => 1,
            WeightDtype.I16 or WeightDtype.U16 or WeightDtype.F16 or WeightDtype.BF16 => 2,
            WeightDtype.I32 or WeightDtype.U32 or WeightDtype.F32 => 4,
            _ => 8,
        };

    public static bool IsFloat(this WeightDtype dtype) =>
        dtype is WeightDtype.F16 or WeightDtype.BF16 or WeightDtype.F32 or WeightDtype.F64 or WeightDtype.F8_E4M3 or WeightDtype.F8_E5M2;

    /// <summary>The tensor type that holds these elements as they are stored, or null if TorchSharp has none.</summary>
    public static ScalarType? ToScalarType(this WeightDtype dtype) =>
        dtype switch
        {
            WeightDtype.BOOL => ScalarType.Bool,
            WeightDtype.U8 => ScalarType.Byte,
            WeightDtype.I8 => ScalarType.Int8,
            WeightDtype.I16 => ScalarType.Int16,
            WeightDtype.F16 => ScalarType.Float16,
            WeightDtype.BF16 => ScalarType.BFloat16,
            WeightDtype.I32 => ScalarType.Int32,
            WeightDtype.F32 => ScalarType.Float32,
            WeightDtype.F64 => ScalarType.Float64,
            WeightDtype.I64 => ScalarType.Int64,
            _ => null,
        };

    /// <summary>The stored type of a tensor's elements.</summary>
    public static WeightDtype ToWeightDtype(this ScalarType dtype) =>
        dtype switch
        {
            ScalarType.Bool => WeightDtype.BOOL,
            ScalarType.Byte => WeightDtype.U8,
            ScalarType.Int8 => WeightDtype.I8,
            ScalarType.Int16 => WeightDtype.I16,
            ScalarType.Float16 => WeightDtype.F16,
            ScalarType.BFloat16 => WeightDtype.BF16,
            ScalarType.Int32 => WeightDtype.I32,
            ScalarType.Float32 => WeightDtype.F32,
            ScalarType.Float64 => WeightDtype.F64,
            ScalarType.Int64 => WeightDtype.I64,
            _ => throw new WeightsException($"Tensors of type {dtype} cannot be stored as safetensors."),
        };
}
