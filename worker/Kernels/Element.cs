namespace Generation.Kernels;

/// <summary>The type in which numbers are stored; kernels compute in float32 whatever they read.</summary>
public enum Element
{
    /// <summary>32-bit floating point.</summary>
    Float32,

    /// <summary>The upper half of a float32 number, held as <see cref="ushort"/>.</summary>
    BFloat16,
}
