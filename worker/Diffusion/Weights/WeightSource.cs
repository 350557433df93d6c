using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>Type and shape of a stored tensor.</summary>
public sealed record WeightEntry(string Name, WeightDtype Dtype, long[] Shape);

/// <summary>
/// Named tensors that can be asked for: one file, the shards of an index, or a view that renames the keys of another
/// source. Reading is thread-safe.
/// </summary>
public abstract class WeightSource : IDisposable
{
    /// <summary>File or folder, for messages.</summary>
    public abstract string Path { get; }

    public abstract IReadOnlyCollection<string> Names { get; }

    /// <summary>What the file's writer says of it: __metadata__ of a safetensors header. Empty where there is none.</summary>
    public virtual IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public abstract bool Has(string name);

    /// <summary>Type and shape of a tensor.</summary>
    /// <exception cref="WeightsException">No such tensor.</exception>
    public abstract WeightEntry Entry(string name);

    /// <summary>
    /// A tensor on the CPU, in the caller's dispose scope, that outlives this source. Values keep their stored type, or are
    /// converted to <paramref name="dtype"/> in the same pass.
    /// </summary>
    /// <exception cref="WeightsException">No such tensor, or its stored type cannot be converted.</exception>
    public abstract Tensor Read(string name, ScalarType? dtype = null);

    /// <summary>As <see cref="Read"/>, of <paramref name="count"/> rows of the first axis, from <paramref name="start"/> on.</summary>
    public abstract Tensor ReadRows(string name, long start, long count, ScalarType? dtype = null);

    /// <summary>
    /// A tensor as <see cref="Read"/> gives it, that can be read again later; null where this source cannot, or where it would not pay.
    /// </summary>
    /// <param name="rows">Only these rows of the first axis; null: all.</param>
    /// <exception cref="WeightsException">No such tensor.</exception>
    public virtual LastingTensor? Lasting(string name, ScalarType? dtype = null, (long Start, long Count)? rows = null) => null;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }

    protected WeightsException Missing(string name) => new($"{Path} has no tensor named '{name}'.");

    /// <summary>
    /// Opens what holds the weights of one component: a .safetensors file, an .index.json of shards, or a folder with
    /// one of the two under the names that diffusers and transformers write.
    /// </summary>
    /// <param name="variant">As in <c>model.fp16.safetensors</c>; the plain name is taken where the variant is absent.</param>
    /// <exception cref="WeightsException">Nothing readable there; the message lists what was looked for.</exception>
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
/// <param name="Read">Reads it, in the caller's dispose scope; the same values each time.</param>
/// <param name="LetGo">Says that it will not be read soon: what it takes in this process's memory may go.</param>
public sealed record LastingTensor(Func<Tensor> Read, Action LetGo);

/// <summary>A weights file, folder or set of keys is not what it has to be. The message names the file and the keys.</summary>
public sealed class WeightsException(string message, Exception? inner = null) : Exception(message, inner);
