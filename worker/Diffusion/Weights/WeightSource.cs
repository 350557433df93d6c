using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>The type and shape of a stored tensor.</summary>
public sealed record WeightEntry(string Name, WeightDtype Dtype, long[] Shape);

/// <summary>
/// A source of named tensors: one file, the shards of an index, or a view that renames the keys of another source. Reading is thread-safe.
/// </summary>
public abstract class WeightSource : IDisposable
{
    /// <summary>The file or folder, for messages.</summary>
    public abstract string Path { get; }

    public abstract IReadOnlyCollection<string> Names { get; }

    /// <summary>The metadata of the file: __metadata__ of a safetensors header. Empty where there is none.</summary>
    public virtual IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public abstract bool Has(string name);

    /// <summary>The type and shape of a tensor.</summary>
    /// <exception cref="WeightsException">There is no such tensor.</exception>
    public abstract WeightEntry Entry(string name);

    /// <summary>
    /// Reads a tensor to the CPU, into the caller's dispose scope; it outlives this source. Values keep their stored type, or are converted
    /// to <paramref name="dtype"/> in the same pass.
    /// </summary>
    /// <exception cref="WeightsException">There is no such tensor, or its stored type cannot be converted.</exception>
    public abstract Tensor Read(string name, ScalarType? dtype = null);

    /// <summary>
    /// Reads <paramref name="count"/> rows of the first axis, from <paramref name="start"/> on, and otherwise as <see cref="Read"/> does.
    /// </summary>
    public abstract Tensor ReadRows(string name, long start, long count, ScalarType? dtype = null);

    /// <summary>
    /// Returns a tensor that can be read again later, as <see cref="Read"/> reads it; null where this source cannot do so, or where it is
    /// not worthwhile.
    /// </summary>
    /// <param name="rows">The range of rows of the first axis; null for all.</param>
    /// <exception cref="WeightsException">There is no such tensor.</exception>
    public virtual ReloadableTensor? Reloadable(string name, ScalarType? dtype = null, (long Start, long Count)? rows = null) => null;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }

    protected WeightsException Missing(string name) => new($"{Path} has no tensor named '{name}'.");

    /// <summary>
    /// Opens the weights of one component: a .safetensors file, an .index.json of shards, or a folder with one of the two under the names
    /// that diffusers and transformers write.
    /// </summary>
    /// <param name="variant">
    /// For example fp16 for <c>model.fp16.safetensors</c>; the plain name is used where the variant is absent.
    /// </param>
    /// <exception cref="WeightsException">Nothing there can be read; the message lists the names that were looked for.</exception>
    public static WeightSource Open(string path, string? variant = null)
    {
        if (File.Exists(path))
        {
            return path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? ShardedWeights.Open(path) : SafetensorsFile.Open(path);
        }

        if (!Directory.Exists(path))
        {
            throw new WeightsException($"{path}: there is no such file or folder.");
        }

        string[] stems = ["diffusion_pytorch_model", "model"];
        string[] names =
        [
            .. stems.SelectMany(stem =>
                variant is null
                    ? new[] { $"{stem}.safetensors", $"{stem}.safetensors.index.json" }
                    :
                    [
                        $"{stem}.{variant}.safetensors",
                        $"{stem}.safetensors.index.{variant}.json",
                        $"{stem}.safetensors",
                        $"{stem}.safetensors.index.json",
                    ]
            ),
        ];
        string? found = names.Select(name => System.IO.Path.Combine(path, name)).FirstOrDefault(File.Exists);
        if (found is not null)
        {
            return Open(found);
        }

        string[] pickled =
        [
            .. Directory
                .EnumerateFiles(path)
                .Select(file => System.IO.Path.GetFileName(file)!)
                .Where(file =>
                    file.EndsWith(".bin", StringComparison.Ordinal)
                    || file.EndsWith(".ckpt", StringComparison.Ordinal)
                    || file.EndsWith(".pt", StringComparison.Ordinal)
                ),
        ];
        throw new WeightsException(
            $"{path}: holds none of {string.Join(", ", names)}."
                + (
                    pickled.Length == 0
                        ? ""
                        : $" It has {string.Join(", ", pickled)}, but pickled files can run code when they are read and are refused: "
                            + "get the safetensors form."
                )
        );
    }
}

/// <summary>
/// A stored tensor that can be read at any time, also after its source is disposed: a layer that has packed it need not keep it.
/// </summary>
/// <param name="Read">Reads the tensor into the caller's dispose scope; the values are the same each time.</param>
/// <param name="Release">Says that the tensor will not be read soon, so that the memory that it takes in this process may be freed.</param>
public sealed record ReloadableTensor(Func<Tensor> Read, Action Release);

/// <summary>A weights file, folder or set of keys is not as it has to be. The message names the file and the keys.</summary>
public sealed class WeightsException(string message, Exception? inner = null) : Exception(message, inner);
