using Generation.Torch.Interop;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Shape, type, place and memory.</summary>
    public sealed unsafe partial class Tensor
    {
        /// <summary>Sizes of the dimensions.</summary>
        public long[] shape
        {
            get
            {
                nint handle = Handle;
                var sizes = new long[Native.gt_dim(handle)];
                fixed (long* data = sizes)
                {
                    Native.gt_sizes(handle, data);
                }

                GC.KeepAlive(this);
                return sizes;
            }
        }

        public long ndim => Kept(Native.gt_dim(Handle));

        public long Dimensions => ndim;

        public long NumberOfElements => Kept(Native.gt_numel(Handle));

        public long ElementSize => Kept(Native.gt_element_size(Handle));

        public ScalarType dtype => (ScalarType)Kept(Native.gt_dtype(Handle));

        public DeviceType device_type => (DeviceType)Kept(Native.gt_device_type(Handle));

        public int device_index => (int)Kept(Native.gt_device_index(Handle));

        public Device device => device_type == DeviceType.CPU ? CPU : new Device(device_type, device_index);

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_meta => device_type == DeviceType.META;

        public bool requires_grad
        {
            set => requires_grad_(value);
        }

        /// <summary>The elements' memory as bytes; the tensor must be contiguous and on the CPU, and outlive the span.</summary>
        public Span<byte> bytes
        {
            get
            {
                void* data = CpuData("bytes");
                return new Span<byte>(data, checked((int)(NumberOfElements * ElementSize)));
            }
            set
            {
                Span<byte> target = bytes;
                if (value.Length != target.Length)
                {
                    throw new ArgumentException($"The tensor has {target.Length} bytes, but {value.Length} are given.", nameof(value));
                }

                value.CopyTo(target);
            }
        }

        public long dim() => ndim;

        public long numel() => NumberOfElements;

        public long element_size() => ElementSize;

        public long[] size() => shape;

        /// <summary>Size of one dimension; negative ones count from the end.</summary>
        public long size(int dim) => shape[Position(dim)];

        public long[] stride()
        {
            nint handle = Handle;
            var strides = new long[Native.gt_dim(handle)];
            fixed (long* data = strides)
            {
                Native.gt_strides(handle, data);
            }

            GC.KeepAlive(this);
            return strides;
        }

        public long stride(int dim) => stride()[Position(dim)];

        public long storage_offset() => Kept(Native.gt_storage_offset(Handle));

        public bool is_contiguous() => Kept(Native.gt_is_contiguous(Handle, (int)memory_format.contiguous_format)) != 0;

        public bool is_floating_point() => torch.is_floating_point(dtype);

        public bool is_integral() => torch.is_integral(dtype);

        public bool is_cpu() => device_type == DeviceType.CPU;

        public Tensor requires_grad_(bool requires_grad = true) => Done(Native.gt_requires_grad_(Handle, requires_grad ? 1 : 0), this);

        /// <summary>The elements in row-major order, whatever the strides are; the tensor must be on the CPU and of type <typeparamref name="T"/>.</summary>
        public TensorAccessor<T> data<T>()
            where T : unmanaged
        {
            CheckType<T>("data");
            return new TensorAccessor<T>(this);
        }

        /// <summary>The only element.</summary>
        public T item<T>()
            where T : unmanaged
        {
            if (NumberOfElements != 1)
            {
                throw new InvalidOperationException($"item needs a tensor of one element, this one has {NumberOfElements}: {this}");
            }

            CheckType<T>("item");
            ScalarValue value = ReadItem();
            object boxed = dtype switch
            {
                ScalarType.Float32 => (float)value.AsDouble,
                ScalarType.Float64 => value.AsDouble,
                ScalarType.Float16 => (Half)value.AsDouble,
                ScalarType.Int64 => value.AsLong,
                ScalarType.Int32 => (int)value.AsLong,
                ScalarType.Int16 => (short)value.AsLong,
                ScalarType.Int8 => (sbyte)value.AsLong,
                ScalarType.Byte => (byte)value.AsLong,
                ScalarType.Bool => value.Bits != 0,
                _ => throw new NotSupportedException($"no .NET type for {dtype}; convert to float32 first"),
            };
            return (T)boxed;
        }

        public Scalar ToScalar() => new(ReadItem(), dtype);

        /// <summary>Type, shape and device, for messages.</summary>
        public override string ToString()
        {
            if (IsInvalid)
            {
                return "disposed tensor";
            }

            string place = is_cpu() ? "" : $" on {device}";
            return $"[{string.Join("x", shape)}], type = {dtype}{place}";
        }

        internal ScalarValue ReadItem()
        {
            ScalarValue value;
            Done(Native.gt_item(Handle, &value), this);
            return value;
        }

        internal void* CpuData(string operation)
        {
            if (!is_cpu())
            {
                throw new InvalidOperationException($"{operation} needs a tensor on the CPU, this one is {this}: call cpu() first");
            }

            if (!is_contiguous())
            {
                throw new InvalidOperationException($"{operation} needs a contiguous tensor, this one has strides ({string.Join(", ", stride())}): call contiguous() first");
            }

            void* data = Native.gt_data(Handle);
            GC.KeepAlive(this);
            return data;
        }

        internal void CheckType<T>(string operation)
        {
            ScalarType? wanted = Type.GetTypeCode(typeof(T)) switch
            {
                TypeCode.Single => ScalarType.Float32,
                TypeCode.Double => ScalarType.Float64,
                TypeCode.Int64 => ScalarType.Int64,
                TypeCode.Int32 => ScalarType.Int32,
                TypeCode.Int16 => ScalarType.Int16,
                TypeCode.SByte => ScalarType.Int8,
                TypeCode.Byte => ScalarType.Byte,
                TypeCode.Boolean => ScalarType.Bool,
                _ => typeof(T) == typeof(Half) ? ScalarType.Float16 : null,
            };
            if (wanted != dtype)
            {
                throw new InvalidOperationException($"{operation}<{typeof(T).Name}> does not fit a tensor of type {dtype}: convert it with to_type first");
            }
        }

        private int Position(int dim)
        {
            int dims = (int)ndim;
            return dim < -dims || dim >= dims
                ? throw new ArgumentOutOfRangeException(nameof(dim), dim, $"the tensor has {dims} dimensions")
                : dim < 0 ? dim + dims : dim;
        }

        private long Kept(long value)
        {
            GC.KeepAlive(this);
            return value;
        }
    }
}
