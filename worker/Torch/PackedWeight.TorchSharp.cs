using Tensor = TorchSharp.torch.Tensor;

namespace Generation.Torch;

/// <summary>Under TorchSharp no weight is packed: layers run as libtorch runs them.</summary>
internal sealed class PackedWeight : IDisposable
{
    private PackedWeight()
    {
    }

    public static PackedWeight? Linear(Tensor weight, Tensor? bias) => null;

    public static PackedWeight? Conv2d(Tensor weight, Tensor? bias, long[] stride, long[] padding) => null;

    public bool Fits(Tensor input, Tensor weight) => false;

    public Tensor Linear(Tensor input, Tensor? added, bool inPlace) => throw new NotSupportedException();

    public Tensor Geglu(Tensor input) => throw new NotSupportedException();

    public Tensor Conv2d(Tensor input, Tensor? added, bool inPlace) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
