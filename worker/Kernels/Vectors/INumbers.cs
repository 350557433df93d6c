using System.Runtime.CompilerServices;

namespace Generation.Kernels.Vectors;

/// <summary>A type in which numbers are stored in memory, which are converted from and to vectors of float32.</summary>
internal unsafe interface INumbers
{
    /// <summary>The size of a number in bytes.</summary>
    public static abstract int Size { get; }

    public static abstract TVector Load<TLanes, TVector>(byte* from)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;

    public static abstract void Store<TLanes, TVector>(byte* to, TVector value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;

    /// <summary>Stores without filling the caches, to an address that is a multiple of the size of what is stored.</summary>
    public static abstract void StoreNonTemporal<TLanes, TVector>(byte* to, TVector value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged;
}

/// <summary>Numbers stored in float32.</summary>
internal readonly unsafe struct Float32Numbers : INumbers
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* from)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.Load((float*)from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes, TVector>(byte* to, TVector value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.Store((float*)to, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal<TLanes, TVector>(byte* to, TVector value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.StoreNonTemporal((float*)to, value);
}

/// <summary>Numbers stored in bfloat16.</summary>
internal readonly unsafe struct BFloat16Numbers : INumbers
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* from)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.LoadBFloat16((ushort*)from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes, TVector>(byte* to, TVector value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.StoreBFloat16((ushort*)to, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNonTemporal<TLanes, TVector>(byte* to, TVector value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.StoreBFloat16NonTemporal((ushort*)to, value);
}

/// <summary>Numbers stored in IEEE half precision, which can only be read.</summary>
internal readonly unsafe struct Float16Numbers : INumbers
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* from)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => TLanes.LoadFloat16((ushort*)from);

    public static void Store<TLanes, TVector>(byte* to, TVector value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => throw new NotSupportedException("half precision is only read");

    public static void StoreNonTemporal<TLanes, TVector>(byte* to, TVector value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged => throw new NotSupportedException("half precision is only read");
}
