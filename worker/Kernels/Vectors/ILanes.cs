namespace Generation.Kernels.Vectors;

/// <summary>
/// Vectors of float32 numbers in one instruction set. Kernels are written once over this interface and compiled for each set: the compiler
/// generates separate code for every structure that is a type argument, with all of these members inlined.
/// </summary>
/// <typeparam name="TVector">The vector: Vector256 or Vector512 of float.</typeparam>
internal unsafe interface ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>The number of numbers in a vector.</summary>
    public static abstract int Count { get; }

    public static abstract TVector Create(float value);

    public static abstract TVector Load(float* from);

    public static abstract void Store(float* to, TVector value);

    /// <summary>Stores without filling the caches; <paramref name="to"/> is a multiple of the vector's size.</summary>
    public static abstract void StoreNonTemporal(float* to, TVector value);

    public static abstract TVector LoadBFloat16(ushort* from);

    /// <summary>Rounds to the nearest bfloat16, halves to the even one; NaN stays NaN.</summary>
    public static abstract void StoreBFloat16(ushort* to, TVector value);

    /// <summary>The same without filling the caches; <paramref name="to"/> is a multiple of half the vector's size.</summary>
    public static abstract void StoreBFloat16NonTemporal(ushort* to, TVector value);

    public static abstract TVector LoadFloat16(ushort* from);

    public static abstract TVector Add(TVector a, TVector b);

    public static abstract TVector Subtract(TVector a, TVector b);

    public static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a * b + c, rounded once.</summary>
    public static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>c - a * b, rounded once.</summary>
    public static abstract TVector NegatedMultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>The larger number; <paramref name="b"/> where either is NaN.</summary>
    public static abstract TVector Max(TVector a, TVector b);

    /// <summary>The smaller number; <paramref name="b"/> where either is NaN.</summary>
    public static abstract TVector Min(TVector a, TVector b);

    public static abstract TVector Abs(TVector value);

    /// <summary>1 / value with an error of at most two units in the last place, for numbers between 1 and 2^126.</summary>
    public static abstract TVector Reciprocal(TVector value);

    /// <summary>
    /// value * 2^n, where n is in the lowest bits of <paramref name="shifted"/>, as adding 1.5 * 2^23 to n leaves it. The bits are added to
    /// the exponent of <paramref name="value"/>, without regard to overflow.
    /// </summary>
    public static abstract TVector AddToExponent(TVector value, TVector shifted);

    /// <summary>Whether any pair of numbers differs, or is NaN.</summary>
    public static abstract bool AnyDiffers(TVector a, TVector b);

    /// <summary>The numbers 0, 1, 2, ...</summary>
    public static abstract TVector Indices();

    /// <summary><paramref name="value"/> where a is less than b, else <paramref name="otherwise"/>.</summary>
    public static abstract TVector WhereLess(TVector a, TVector b, TVector value, TVector otherwise);

    /// <summary>The sum of all numbers of the vector.</summary>
    public static abstract float Sum(TVector value);

    /// <summary>The first number of the vector.</summary>
    public static abstract float First(TVector value);
}
