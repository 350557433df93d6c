using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Generation.Kernels.Tests;

/// <summary>
/// Numbers that end at a page which nobody may touch, or begin behind one: a kernel that reads or writes outside of them ends the process.
/// </summary>
internal sealed unsafe partial class GuardedArray : IDisposable
{
    private const long Page = 4096;
    private readonly byte* _map;
    private readonly long _size;

    /// <param name="atEnd">Whether the guard that the numbers touch is behind them; else it is before them.</param>
    public GuardedArray(Element element, long count, bool atEnd = true)
    {
        Element = element;
        Count = count;
        long bytes = count * Width;
        long pages = (bytes + Page - 1) / Page * Page;
        _size = pages + 2 * Page;
        const int privateAnonymous = 0x22;
        _map = (byte*)Map(0, (nuint)_size, 0, privateAnonymous, -1, 0);
        if ((nint)_map == -1 || (pages > 0 && Protect((nint)(_map + Page), (nuint)pages, 3) != 0))
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        Data = _map + Page + (atEnd ? pages - bytes : 0);
    }

    public Element Element { get; }

    public long Count { get; }

    public byte* Data { get; }

    private int Width => Element == Element.BFloat16 ? sizeof(ushort) : sizeof(float);

    public float this[long index]
    {
        get => Element == Element.BFloat16 ? Wide(((ushort*)Data)[Checked(index)]) : ((float*)Data)[Checked(index)];
        set
        {
            if (Element == Element.BFloat16)
            {
                ((ushort*)Data)[Checked(index)] = Nearest(value);
            }
            else
            {
                ((float*)Data)[Checked(index)] = value;
            }
        }
    }

    /// <summary>Normally distributed numbers.</summary>
    public static GuardedArray Random(Element element, long count, int seed, double mean = 0, double deviation = 1, bool atEnd = true)
    {
        var array = new GuardedArray(element, count, atEnd);
        var random = new Random(seed);
        for (long i = 0; i < count; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            array[i] = (float)(mean + deviation * normal);
        }

        return array;
    }

    /// <summary>The bfloat16 number next to a number; halves go to the even one. NaN must not be asked for.</summary>
    public static ushort Nearest(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        uint lower = bits & 0xffff;
        uint upper = bits >> 16;
        return (ushort)(lower > 0x8000 || (lower == 0x8000 && upper % 2 == 1) ? upper + 1 : upper);
    }

    public static float Wide(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    public byte[] Bytes() => Bytes(0, Count);

    /// <summary>The bytes of some numbers.</summary>
    public byte[] Bytes(long first, long count) => new ReadOnlySpan<byte>(Data + first * Width, (int)(count * Width)).ToArray();

    public double[] ToDoubles()
    {
        double[] all = new double[Count];
        for (long i = 0; i < Count; i++)
        {
            all[i] = this[i];
        }

        return all;
    }

    public void Dispose() => _ = Unmap((nint)_map, (nuint)_size);

    private long Checked(long index) => index >= 0 && index < Count ? index : throw new ArgumentOutOfRangeException(nameof(index));

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint size, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint size, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint size);
}
