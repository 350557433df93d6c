using System.IO.Compression;
using System.Text.Json;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Checkpoints;

/// <summary>A checkpoint's table of contents without its contents; scalars may have a value.</summary>
internal sealed class CheckpointTable(Dictionary<string, long[]> shapes) : WeightSource
{
    public override string Path => "list";

    public override IReadOnlyCollection<string> Names => shapes.Keys;

    public override IReadOnlyDictionary<string, string> Metadata => Said;

    /// <summary>What the writer says.</summary>
    public Dictionary<string, string> Said { get; init; } = new(StringComparer.Ordinal);

    /// <summary>What tensors of one value hold; others are zero.</summary>
    public double Value { get; init; }

    /// <summary>A list of the reference data.</summary>
    public static JsonElement Read(string path)
    {
        using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var document = JsonDocument.Parse(gzip);
        return document.RootElement.Clone();
    }

    public static Dictionary<string, long[]> Shapes(JsonElement list) =>
        list.EnumerateObject()
            .ToDictionary(
                key => key.Name,
                key => key.Value.EnumerateArray().Select(side => side.GetInt64()).ToArray(),
                StringComparer.Ordinal
            );

    public override bool Has(string name) => shapes.ContainsKey(name);

    public override WeightEntry Entry(string name) => new(name, WeightDtype.F16, shapes[name]);

    // One number, repeated: a real family's networks are built without their memory.
    public override Tensor Read(string name, ScalarType? dtype = null) =>
        shapes[name].All(side => side == 1)
            ? full(shapes[name], Value, dtype: dtype ?? ScalarType.Float16)
            : zeros([1], dtype: ScalarType.Float16).expand(shapes[name]);

    public override Tensor ReadRows(string name, long start, long count, ScalarType? dtype = null) =>
        zeros([1], dtype: ScalarType.Float16).expand([count, .. shapes[name][1..]]);
}
