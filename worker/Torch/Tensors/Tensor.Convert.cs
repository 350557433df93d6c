using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Copies, other types, other places.</summary>
    public sealed partial class Tensor
    {
        public Tensor clone() => Wrap(Native.gt_clone(Handle, (int)memory_format.preserve_format), this);

        /// <summary>Another handle to the same tensor.</summary>
        public Tensor alias() => Wrap(Native.gt_alias(Handle), this);

        public Tensor detach() => Wrap(Native.gt_detach(Handle), this);

        public Tensor contiguous() => Wrap(Native.gt_contiguous(Handle, (int)memory_format.contiguous_format), this);

        public Tensor copy_(Tensor source, bool nonBlocking = false) => Done(Native.gt_copy_(Handle, source.Handle, nonBlocking ? 1 : 0), this, source);

        /// <summary>The tensor in another type; without <paramref name="copy"/> it is shared where it has that type already.</summary>
        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false)
        {
            Tensor made = Wrap(Native.gt_to(Handle, (int)type, copy ? 1 : 0, non_blocking ? 1 : 0), this);
            if (disposeAfter)
            {
                Dispose();
            }

            return made;
        }

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to_type(type, copy, disposeAfter, non_blocking);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(dtype, device, copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(dtype, new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(dtype, new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false)
        {
            Tensor made = Wrap(Native.gt_to_device(Handle, (int)type, (int)device.type, device.index, copy ? 1 : 0, non_blocking ? 1 : 0), this);
            if (disposeAfter)
            {
                Dispose();
            }

            return made;
        }

        public Tensor to(Tensor other, bool non_blocking = false) => to(other.dtype, other.device, non_blocking: non_blocking);

        public Tensor type(ScalarType dtype) => to_type(dtype);

        public Tensor type_as(Tensor tensor) => to_type(tensor.dtype);

        public Tensor cpu() => to(CPU);

        public Tensor cuda(Device? device = null, bool non_blocking = false) => to(device ?? CUDA, non_blocking: non_blocking);

        public Tensor @bool() => to_type(ScalarType.Bool);

        public Tensor @byte() => to_type(ScalarType.Byte);

        public Tensor @int() => to_type(ScalarType.Int32);

        public Tensor @long() => to_type(ScalarType.Int64);

        public Tensor @float() => to_type(ScalarType.Float32);

        public Tensor @double() => to_type(ScalarType.Float64);

        public Tensor half() => to_type(ScalarType.Float16);

        public Tensor bfloat16() => to_type(ScalarType.BFloat16);

        public Tensor fill_(Scalar value) => Done(Native.gt_fill_(Handle, value.Value), this);

        public Tensor set_(Tensor source) => Wrap(Native.gt_set_(Handle, source.Handle), this, source);

        public Tensor empty_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            Wrap(Native.gt_empty_like(Handle, TypeOf(dtype), Kind(device), Place(device)), this);

        public Tensor zeros_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            Wrap(Native.gt_zeros_like(Handle, TypeOf(dtype), Kind(device), Place(device)), this);

        public Tensor ones_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            Wrap(Native.gt_ones_like(Handle, TypeOf(dtype), Kind(device), Place(device)), this);

        public Tensor full_like(Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            Wrap(Native.gt_full_like(Handle, value.Value, TypeOf(dtype), Kind(device), Place(device)), this);

        public Tensor randn_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            Wrap(Native.gt_randn_like(Handle, TypeOf(dtype), Kind(device), Place(device)), this);

        public Tensor rand_like(ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
            Wrap(Native.gt_rand_like(Handle, TypeOf(dtype), Kind(device), Place(device)), this);

        public Tensor new_zeros(params long[] size) => zeros(size, dtype, device);

        public Tensor new_ones(params long[] size) => ones(size, dtype, device);

        public Tensor new_empty(params long[] size) => empty(size, dtype, device);

        public Tensor new_full(long[] size, Scalar value, ScalarType? dtype = null, Device? device = null) => full(size, value, dtype ?? this.dtype, device ?? this.device);

        public Tensor normal_(double mean = 0.0, double std = 1.0, Generator? generator = null)
        {
            Done(Native.gt_normal_(Handle, mean, std, Generator.HandleOf(generator)), this);
            GC.KeepAlive(generator);
            return this;
        }

        public Tensor uniform_(double from, double to, Generator? generator = null)
        {
            Done(Native.gt_uniform_(Handle, from, to, Generator.HandleOf(generator)), this);
            GC.KeepAlive(generator);
            return this;
        }

        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null)
        {
            Tensor made = Wrap(Native.gt_multinomial(Handle, num_samples, replacement ? 1 : 0, Generator.HandleOf(generator)), this);
            GC.KeepAlive(generator);
            return made;
        }
    }
}
