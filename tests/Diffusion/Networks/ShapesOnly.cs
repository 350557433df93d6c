using System.Text.Json;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Networks;

/// <summary>Weights of given names and shapes that take no memory: each is one zero, spread.</summary>
internal sealed class ShapesOnly : WeightSource
{
    private readonly Dictionary<string, long[]> _shapes;

    public ShapesOnly(IReadOnlyDictionary<string, long[]> shapes, string path)
    {
        _shapes = new(shapes, StringComparer.Ordinal);
        Path = path;
    }

    public override string Path { get; }

    public override IReadOnlyCollection<string> Names => _shapes.Keys;

    /// <summary>From an object of names and shapes.</summary>
    public static ShapesOnly Of(JsonElement shapes, string path) =>
        new(
            shapes
                .EnumerateObject()
                .ToDictionary(weight => weight.Name, weight => weight.Value.Deserialize<long[]>()!, StringComparer.Ordinal),
            path
        );

    public override bool Has(string name) => _shapes.ContainsKey(name);

    public override WeightEntry Entry(string name) =>
        new(name, WeightDtype.F16, _shapes.TryGetValue(name, out long[]? shape) ? shape : throw Missing(name));

    public override Tensor Read(string name, ScalarType? dtype = null)
    {
        using DisposeScope scope = NewDisposeScope();
        return zeros(1, dtype: dtype ?? ScalarType.Float16).expand(_shapes[name]).MoveToOuterDisposeScope();
    }

    public override Tensor ReadRows(string name, long start, long count, ScalarType? dtype = null)
    {
        using Tensor whole = Read(name, dtype);
        return whole.narrow(0, start, count);
    }
}
