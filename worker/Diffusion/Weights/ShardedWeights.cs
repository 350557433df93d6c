using System.Text.Json;
using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>A checkpoint in several files, with an index that says which file holds which tensor.</summary>
public sealed class ShardedWeights : WeightSource
{
    private readonly Dictionary<string, SafetensorsFile> _fileOf;
    private readonly SafetensorsFile[] _files;

    private ShardedWeights(string path, Dictionary<string, SafetensorsFile> fileOf, SafetensorsFile[] files)
    {
        Path = path;
        _fileOf = fileOf;
        _files = files;
    }

    public override string Path { get; }

    public override IReadOnlyCollection<string> Names => _fileOf.Keys;

    /// <summary>Opens <c>*.safetensors.index.json</c> and the files it names, which lie beside it.</summary>
    /// <exception cref="WeightsException">The index is malformed, a shard is missing or damaged, or index and shards disagree.</exception>
    public static ShardedWeights Open(string path)
    {
        Dictionary<string, string> map = ReadMap(path);
        var files = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        try
        {
            string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
            foreach (string file in map.Values.Distinct(StringComparer.Ordinal))
            {
                if (file != System.IO.Path.GetFileName(file) || file.Length == 0)
                {
                    throw new WeightsException($"{path}: names the shard '{file}', which is not a file beside it.");
                }

                files.Add(file, SafetensorsFile.Open(System.IO.Path.Combine(folder, file)));
            }

            string[] lost = [.. map.Where(pair => !files[pair.Value].Has(pair.Key)).Select(pair => $"{pair.Key} ({pair.Value})")];
            string[] unlisted =
            [
                .. files.SelectMany(file =>
                    file.Value.Names.Where(name => !map.TryGetValue(name, out string? at) || at != file.Key)
                        .Select(name => $"{name} ({file.Key})")
                ),
            ];
            if (lost.Length + unlisted.Length > 0)
            {
                throw new WeightsException(
                    $"{path}: index and shards disagree. "
                        + $"{KeyReport.Line("In the index only", lost)}{KeyReport.Line("In a shard only", unlisted)}".TrimEnd()
                );
            }

            return new ShardedWeights(
                path,
                map.ToDictionary(pair => pair.Key, pair => files[pair.Value], StringComparer.Ordinal),
                [.. files.Values]
            );
        }
        catch
        {
            foreach (SafetensorsFile file in files.Values)
            {
                file.Dispose();
            }

            throw;
        }
    }

    public override bool Has(string name) => _fileOf.ContainsKey(name);

    public override WeightEntry Entry(string name) => Find(name).Entry(name);

    public override Tensor Read(string name, ScalarType? dtype = null) => Find(name).Read(name, dtype);

    public override Tensor ReadRows(string name, long start, long count, ScalarType? dtype = null) =>
        Find(name).ReadRows(name, start, count, dtype);

    public override ReloadableTensor? Reloadable(string name, ScalarType? dtype = null, (long Start, long Count)? rows = null) =>
        Find(name).Reloadable(name, dtype, rows);

    protected override void Dispose(bool disposing)
    {
        foreach (SafetensorsFile file in _files)
        {
            file.Dispose();
        }

        base.Dispose(disposing);
    }

    private SafetensorsFile Find(string name) => _fileOf.TryGetValue(name, out SafetensorsFile? file) ? file : throw Missing(name);

    private static Dictionary<string, string> ReadMap(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var map = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (JsonProperty pair in document.RootElement.GetProperty("weight_map").EnumerateObject())
            {
                if (!map.TryAdd(pair.Name, pair.Value.GetString() ?? ""))
                {
                    throw new WeightsException($"{path}: the key '{pair.Name}' stands twice in weight_map.");
                }
            }

            return map;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightsException($"{path}: cannot be read: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new WeightsException($"{path}: is no index of shards, it has no object weight_map from names to files: {e.Message}", e);
        }
    }
}
