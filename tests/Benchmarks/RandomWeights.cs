using System.IO.Compression;
using System.Text.Json;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Benchmarks;

/// <summary>
/// Random weights under the names and shapes of a real model's component: a network's time does not depend on their values.
/// </summary>
internal sealed class RandomWeights : WeightSource
{
    private readonly Dictionary<string, long[]> _shapes;
    private readonly Generator _generator = new(1);

    /// <param name="family">A list of tests/Goldens/checkpoints, for example sd15.</param>
    /// <param name="component">Folder name of the component, for example unet.</param>
    public RandomWeights(string family, string component)
    {
        Path = System.IO.Path.Combine(Repository.Root, "tests", "Goldens", "checkpoints", family + ".json.gz");
        using var unpacked = new GZipStream(File.OpenRead(Path), CompressionMode.Decompress);
        using var list = JsonDocument.Parse(unpacked);
        _shapes = list.RootElement.GetProperty("diffusers").GetProperty(component).Deserialize<Dictionary<string, long[]>>()!;
    }

    public override string Path { get; }

    public override IReadOnlyCollection<string> Names => _shapes.Keys;

    public override bool Has(string name) => _shapes.ContainsKey(name);

    public override WeightEntry Entry(string name) => new(name, WeightDtype.F32, _shapes[name]);

    public override Tensor Read(string name, ScalarType? dtype = null)
    {
        long[] shape = _shapes[name];
        // kept small, so that 25 layers on the numbers are still numbers
        double deviation = shape.Length == 1 ? 0.02 : 0.7 / Math.Sqrt(shape.Skip(1).Aggregate(1L, (a, b) => a * b));
        Tensor drawn = empty(shape, ScalarType.Float32).normal_(0, deviation, _generator);
        return dtype is { } other ? drawn.to_type(other, disposeAfter: true) : drawn;
    }

    public override Tensor ReadRows(string name, long start, long count, ScalarType? dtype = null)
    {
        using Tensor whole = Read(name, dtype);
        return whole.narrow(0, start, count).clone();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _generator.Dispose();
        }

        base.Dispose(disposing);
    }
}
