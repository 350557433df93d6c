using System.Runtime.CompilerServices;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Pointwise;

/// <summary>A function of one number, computed for vectors.</summary>
internal interface IActivation
{
    public static abstract TVector Apply<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;
}

/// <summary>The identity, x.</summary>
internal readonly struct Identity : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => x;
}

/// <summary>SiLU, x / (1 + e^-x), with a relative error below 5e-7.</summary>
internal readonly struct Silu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        TVector power = Exponential.Apply<TLanes, TVector>(TLanes.Subtract(TLanes.Create(0), x));
        return TLanes.Multiply(x, TLanes.Reciprocal(TLanes.Add(TLanes.Create(1), power)));
    }
}

/// <summary>
/// GELU, x times the standard normal distribution function of x, with the error function after Abramowitz and Stegun, 7.1.26: the error is
/// below 1e-6 (relative, where the value is above 1).
/// </summary>
internal readonly struct Gelu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        // beyond 12 the tail is below 1e-32, and left of the subnormal numbers, which are slow
        TVector size = TLanes.Min(TLanes.Create(12), TLanes.Abs(x));
        TVector z = TLanes.Multiply(size, TLanes.Create(0.70710678118654752f));
        TVector t = TLanes.Reciprocal(TLanes.MultiplyAdd(TLanes.Create(0.3275911f), z, TLanes.Create(1)));
        TVector p = TLanes.MultiplyAdd(TLanes.Create(0.5f * 1.061405429f), t, TLanes.Create(0.5f * -1.453152027f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Create(0.5f * 1.421413741f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Create(0.5f * -0.284496736f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Create(0.5f * 0.254829592f));
        TVector power = Exponential.Apply<TLanes, TVector>(TLanes.NegatedMultiplyAdd(z, z, TLanes.Create(0)));
        TVector tail = TLanes.Multiply(TLanes.Multiply(p, t), power);
        // x - x tail above 0, x tail below
        return TLanes.NegatedMultiplyAdd(size, tail, TLanes.Max(TLanes.Create(0), x));
    }
}

/// <summary>e^x with a relative error below 2e-7; x is clipped to -87 .. 87.</summary>
internal readonly struct Exponential : IActivation
{
    /// <summary>Adding this rounds to the nearest whole number, which then is in the lowest bits.</summary>
    public const float Rounding = 12582912;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Apply<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        TVector log2e = TLanes.Create(1.44269504088896341f);
        TVector cut = TLanes.Max(TLanes.Create(-87), TLanes.Min(TLanes.Create(87), x));
        TVector shifted = TLanes.MultiplyAdd(cut, log2e, TLanes.Create(Rounding));
        TVector whole = TLanes.Subtract(shifted, TLanes.Create(Rounding));
        // x log2(e) - whole, rounded once, and what float32 leaves away of log2(e)
        TVector part = TLanes.MultiplyAdd(cut, log2e, TLanes.Subtract(TLanes.Create(0), whole));
        part = TLanes.MultiplyAdd(cut, TLanes.Create(1.925963033e-8f), part);
        return PowerOfTwo<TLanes, TVector>(part, shifted);
    }

    /// <summary>
    /// 2^(part + n) with a relative error below 2e-7, for part in -1/2 .. 1/2 and n as <see cref="Rounding"/> leaves it; exact where part
    /// is 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector PowerOfTwo<TLanes, TVector>(TVector part, TVector shifted)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        // the polynomial that is nearest in relation to the value, 9e-8, of those that are 1 at 0
        TVector p = TLanes.MultiplyAdd(TLanes.Create(0.0013264734933183997f), part, TLanes.Create(0.009671515343396534f));
        p = TLanes.MultiplyAdd(p, part, TLanes.Create(0.05550733749637439f));
        p = TLanes.MultiplyAdd(p, part, TLanes.Create(0.24022242044232153f));
        p = TLanes.MultiplyAdd(p, part, TLanes.Create(0.6931469775789038f));
        p = TLanes.MultiplyAdd(p, part, TLanes.Create(1));
        return TLanes.AddToExponent(p, shifted);
    }
}
