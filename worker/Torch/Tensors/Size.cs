using System.Collections;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A shape.</summary>
    public readonly struct Size : IEnumerable<long>, IEquatable<Size>
    {
        private readonly long[]? _shape;

        public Size(long[] shape) => _shape = (long[])shape.Clone();

        public Size(IEnumerable<long> shape) => _shape = [.. shape];

        public static Size Empty { get; } = new([]);

        public long[] Shape => _shape ?? [];

        public int Length => Shape.Length;

        public bool IsEmpty => Length == 0;

        public long this[int idx] => Shape[idx];

        public static implicit operator Size(long size) => new([size]);

        public static implicit operator Size((long, long) size) => new([size.Item1, size.Item2]);

        public static implicit operator Size((long, long, long) size) => new([size.Item1, size.Item2, size.Item3]);

        public static implicit operator Size((long, long, long, long) size) => new([size.Item1, size.Item2, size.Item3, size.Item4]);

        public static implicit operator Size(long[] size) => new(size);

        public static bool operator ==(Size left, Size right) => left.Equals(right);

        public static bool operator !=(Size left, Size right) => !left.Equals(right);

        public long numel()
        {
            long count = 1;
            foreach (long side in Shape)
            {
                count *= side;
            }

            return count;
        }

        public bool Equals(Size other) => Shape.AsSpan().SequenceEqual(other.Shape);

        public override bool Equals(object? obj) => obj is Size size && Equals(size);

        public override int GetHashCode() => numel().GetHashCode();

        public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)Shape).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public override string ToString() => $"[{string.Join(", ", Shape)}]";
    }
}
