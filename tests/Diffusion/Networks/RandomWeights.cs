using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Networks;

/// <summary>
/// Weights of whatever names and shapes a network asks for, drawn from a seed: for forms of networks that no reference file has.
/// </summary>
internal sealed class RandomWeights : WeightSource
{
    private readonly IReadOnlyDictionary<string, long[]> _shapes;
    private readonly ulong _seed;

    private RandomWeights(IReadOnlyDictionary<string, long[]> shapes, ulong seed)
    {
        _shapes = shapes;
        _seed = seed;
    }

    public override string Path => "random weights";

    public override IReadOnlyCollection<string> Names => [.. _shapes.Keys];

    /// <summary>A network of random weights: its first, failing construction tells what it takes.</summary>
    public static TNetwork Build<TNetwork>(Func<NetworkWeights, TNetwork> build, ulong seed = 0, ScalarType dtype = ScalarType.Float32)
    {
        var asked = new NetworkWeights(new RandomWeights(new Dictionary<string, long[]>(StringComparer.Ordinal), seed), dtype);
        Assert.That(() => build(asked), Throws.TypeOf<WeightsException>(), "an empty source lacks everything");
        return build(new NetworkWeights(new RandomWeights(asked.Taken, seed), dtype));
    }

    public override bool Has(string name) => _shapes.ContainsKey(name);

    public override WeightEntry Entry(string name) => new(name, WeightDtype.F32, _shapes[name]);

    public override Tensor Read(string name, ScalarType? dtype = null)
    {
        using DisposeScope scope = NewDisposeScope();
        long[] shape = _shapes[name];
        using var generator = new Generator(_seed + name.Aggregate(17UL, (hash, letter) => hash * 31 + letter));
        Tensor noise = randn(shape, dtype: ScalarType.Float32, generator: generator);
        // Norms' scales about one, matrices so that they keep the size of what passes, the rest small
        bool isScale = shape.Length == 1 && name.EndsWith("weight", StringComparison.Ordinal);
        long fan = shape.Skip(1).Aggregate(1L, (product, side) => product * side);
        Tensor value =
            isScale ? noise * 0.1 + 1
            : shape.Length == 1 ? noise * 0.1
            : noise / Math.Sqrt(fan);
        return value.to(dtype ?? ScalarType.Float32).MoveToOuterDisposeScope();
    }

    public override Tensor ReadRows(string name, long start, long count, ScalarType? dtype = null)
    {
        using Tensor whole = Read(name, dtype);
        return whole.narrow(0, start, count);
    }
}
