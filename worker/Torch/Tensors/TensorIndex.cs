using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>One place of an index: a number, a range, an ellipsis, a new axis, a boolean or a tensor.</summary>
    public readonly struct TensorIndex
    {
        private const long Absent = long.MinValue;

        private readonly int _kind;
        private readonly long _start;
        private readonly long _stop;
        private readonly long _step;
        private readonly Tensor? _tensor;

        private TensorIndex(int kind, long start = Absent, long stop = Absent, long step = Absent, Tensor? tensor = null)
        {
            _kind = kind;
            _start = start;
            _stop = stop;
            _step = step;
            _tensor = tensor;
        }

        /// <summary>As many full ranges as are needed.</summary>
        public static TensorIndex Ellipsis { get; } = new(2);

        /// <summary>A new axis of size 1.</summary>
        public static TensorIndex None { get; } = new(3);

        /// <summary>A new axis of size 1.</summary>
        public static TensorIndex Null => None;

        /// <summary>The full range.</summary>
        public static TensorIndex Colon { get; } = new(1);

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new(1, start ?? Absent, stop ?? Absent, step ?? Absent);

        public static TensorIndex Bool(bool value) => new(5, value ? 1 : 0);

        public static TensorIndex Single(long index) => new(0, index);

        public static TensorIndex Tensor(Tensor tensor) => new(4, tensor: tensor);

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator TensorIndex(Tensor tensor) => Tensor(tensor);

        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range.start, range.end);

        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);

        public static implicit operator TensorIndex(Range range) =>
            Slice(
                range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value,
                !range.End.IsFromEnd ? range.End.Value : range.End.Value == 0 ? null : -range.End.Value);

        internal IndexPart Part => new() { Kind = _kind, Start = _start, Stop = _stop, Step = _step, Tensor = _tensor is null ? 0 : _tensor.Handle };
    }
}
