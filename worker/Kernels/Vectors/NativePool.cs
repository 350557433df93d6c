using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Generation.Kernels.Vectors;

/// <summary>A pool of memory outside of the managed heap: as many pieces are kept as have been in use at once.</summary>
/// <param name="largest">The size in bytes of the largest piece that is kept; larger ones are freed when they are returned.</param>
internal sealed unsafe class NativePool(long largest)
{
    private readonly ConcurrentBag<Piece> _free = [];

    private long Largest { get; } = largest;

    /// <summary>Takes a piece for at least so many float32 numbers, at the start of a page; its content is undefined.</summary>
    public Piece Take(long numbers)
    {
        long bytes = numbers * sizeof(float);
        if (_free.TryTake(out Piece? piece))
        {
            if (piece.Bytes >= bytes)
            {
                return piece;
            }

            piece.Free();
        }

        return new Piece(this, bytes);
    }

    /// <summary>A piece of memory with one user at a time, who returns it by disposing it.</summary>
    internal sealed class Piece : IDisposable
    {
        private readonly NativePool _pool;

        public Piece(NativePool pool, long bytes)
        {
            _pool = pool;
            Bytes = bytes;
            Numbers = (float*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        }

        public float* Numbers { get; }

        public long Bytes { get; }

        public void Dispose()
        {
            if (Bytes <= _pool.Largest)
            {
                _pool._free.Add(this);
            }
            else
            {
                Free();
            }
        }

        public void Free() => NativeMemory.AlignedFree(Numbers);
    }
}

/// <summary>Float32 numbers in memory outside of the managed heap, at the start of a cache line; freed at the end of the scope.</summary>
internal readonly unsafe ref struct NativeArray
{
    /// <summary>The sizes of rows are rounded up to a multiple of this number, so that whole vectors fit.</summary>
    public const int Step = 16;

    public NativeArray(long count) => Numbers = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, count) * sizeof(float), 64);

    public float* Numbers { get; }

    public static long RoundUp(long count) => (count + Step - 1) / Step * Step;

    public void Dispose() => NativeMemory.AlignedFree(Numbers);
}
