using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A place where tensors live: "cpu", "cuda", "cuda:1".</summary>
    public sealed class Device : IEquatable<Device>
    {
        public Device(string description)
        {
            string[] parts = description.Split(':');
            type = parts[0] switch
            {
                "cpu" => DeviceType.CPU,
                "cuda" => DeviceType.CUDA,
                "mps" => DeviceType.MPS,
                "meta" => DeviceType.META,
                _ => throw new ArgumentException($"'{description}' is not a device; cpu, cuda, cuda:N, mps and meta are.", nameof(description)),
            };
            if (parts.Length == 2 && int.TryParse(parts[1], out int number) && number >= 0)
            {
                index = number;
            }
            else if (parts.Length != 1)
            {
                throw new ArgumentException($"'{description}' is not a device; cpu, cuda, cuda:N, mps and meta are.", nameof(description));
            }
        }

        public Device(string deviceType, int index = -1)
            : this(deviceType) => this.index = index;

        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = index;
        }

        public Device(int index)
            : this(DeviceType.CUDA, index)
        {
        }

        public DeviceType type { get; }

        public int index { get; } = -1;

        public static implicit operator Device(string description) => new(description);

        public bool Equals(Device? other) =>
            other is not null && other.type == type && (type == DeviceType.CPU || Math.Max(0, other.index) == Math.Max(0, index));

        public override bool Equals(object? obj) => Equals(obj as Device);

        public override int GetHashCode() => HashCode.Combine(type, type == DeviceType.CPU ? 0 : Math.Max(0, index));

        public override string ToString()
        {
            string name = type.ToString().ToLowerInvariant();
            return index < 0 || type == DeviceType.CPU ? name : $"{name}:{index}";
        }
    }

    public static readonly Device CPU = new(DeviceType.CPU);

    public static readonly Device CUDA = new(DeviceType.CUDA);

    public static readonly Device META = new(DeviceType.META);

    public static Device device(string description) => new(description);

    public static Device device(string deviceType, int index = -1) => new(deviceType, index);

    public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);

    public static Device device(int index) => new(index);

    /// <summary>torch.cuda.</summary>
    public static class cuda
    {
        /// <summary>Whether libtorch can use an NVIDIA GPU here.</summary>
        public static bool is_available() => Native.gt_cuda_is_available() != 0;
    }

    public static bool cuda_is_available() => cuda.is_available();
}
