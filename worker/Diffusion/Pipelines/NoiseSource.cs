using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>
/// The noise of a run: one CPU generator per picture, seeded with that picture's seed, like torch.Generator("cpu").manual_seed(seed) with
/// randn of shape (1, ...). So a picture is the same alone and in a batch, on every machine.
/// </summary>
public sealed class NoiseSource : IDisposable
{
    private readonly Generator[] _generators;
    private readonly Device _device;

    public NoiseSource(IEnumerable<long> seeds, Device device)
    {
        _generators = [.. seeds.Select(seed => new Generator(unchecked((ulong)seed), device: CPU))];
        _device = device;
    }

    /// <summary>The number of pictures.</summary>
    public int Count => _generators.Length;

    /// <summary>
    /// Draws standard normal noise in float32, (pictures, <paramref name="shape"/>), each picture's from its own generator.
    /// </summary>
    public Tensor Draw(params long[] shape)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parts =
        [
            .. _generators.Select(generator => randn([1, .. shape], dtype: ScalarType.Float32, device: CPU, generator: generator)),
        ];
        return (parts.Length == 1 ? parts[0] : cat(parts, 0)).to(_device).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (Generator generator in _generators)
        {
            generator.Dispose();
        }
    }
}
