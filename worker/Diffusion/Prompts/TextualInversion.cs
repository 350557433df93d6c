using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Prompts;

/// <summary>
/// A textual inversion embedding (Gal et al., 2022): vectors that a word of a prompt stands for. It is read from safetensors files as
/// diffusers and the web UIs write them: one tensor (emb_params, or named like the word) of shape (vectors, features) or (features); for
/// SDXL two, clip_l and clip_g.
/// </summary>
public sealed class TextualInversion : IDisposable
{
    private readonly List<Tensor> _vectors;

    private TextualInversion(string name, List<Tensor> vectors)
    {
        Name = name;
        _vectors = vectors;
    }

    /// <summary>The word in a prompt that stands for the vectors, in any case.</summary>
    public string Name { get; }

    /// <summary>The number of positions of a prompt that it takes.</summary>
    public int Count => (int)_vectors[0].shape[0];

    /// <summary>The number of text encoders that it has vectors for: 1, or SDXL's 2.</summary>
    public int Encoders => _vectors.Count;

    /// <summary>Reads a file.</summary>
    /// <param name="path">A safetensors file.</param>
    /// <param name="name">
    /// The word; by default the name that the file gives or, where it gives none, the file's name without extension.
    /// </param>
    /// <exception cref="WeightsException">Not a safetensors file, not an embedding, or with values that are no numbers.</exception>
    public static TextualInversion Load(string path, string? name = null)
    {
        using var file = SafetensorsFile.Open(path);
        string[] keys = file.Has("clip_l") && file.Has("clip_g") ? ["clip_l", "clip_g"] : [.. file.Names];
        if (file.Names.Count != keys.Length || keys.Length is not (1 or 2) || (keys.Length == 2 && keys[0] != "clip_l"))
        {
            throw new WeightsException(
                $"{path}: an embedding has one tensor, or clip_l and clip_g; this file has {file.Names.Count} "
                    + $"({string.Join(", ", file.Names.Order(StringComparer.Ordinal).Take(4))})."
            );
        }

        using DisposeScope scope = NewDisposeScope();
        var vectors = new List<Tensor>();
        foreach (string key in keys)
        {
            Tensor read = file.Read(key, ScalarType.Float32);
            Tensor rows = read.shape.Length == 1 ? read.unsqueeze(0) : read;
            if (rows.shape.Length != 2 || rows.shape[0] < 1 || (vectors.Count > 0 && vectors[0].shape[0] != rows.shape[0]))
            {
                throw new WeightsException(
                    $"{path}: {key} has the shape ({string.Join(", ", read.shape)}); an embedding's is (vectors, features), with as "
                        + "many vectors for each encoder."
                );
            }

            if (!rows.isfinite().all().item<bool>())
            {
                throw new WeightsException(
                    $"{path}: {key} has values that are no numbers: its training went wrong, or the file is damaged."
                );
            }

            vectors.Add(rows);
        }

        foreach (Tensor rows in vectors)
        {
            rows.DetachFromDisposeScope();
        }

        bool namesItself = keys.Length == 1 && keys[0] != "emb_params";
        return new TextualInversion(name ?? (namesItself ? keys[0] : Path.GetFileNameWithoutExtension(path)), vectors);
    }

    /// <summary>The vectors for a text encoder, (vectors, features), which remain this object's.</summary>
    /// <param name="encoder">0 for the first text encoder, 1 for SDXL's second.</param>
    /// <param name="features">The number of features of that encoder's token embeddings.</param>
    /// <exception cref="PromptException">The embedding has no vectors for such an encoder.</exception>
    public Tensor For(int encoder, long features)
    {
        if (encoder >= _vectors.Count)
        {
            throw new PromptException($"The embedding '{Name}' has vectors for {_vectors.Count} text encoder, and the model has more.");
        }

        Tensor vectors = _vectors[encoder];
        return vectors.shape[1] == features
            ? vectors
            : throw new PromptException(
                $"The embedding '{Name}' has vectors of {vectors.shape[1]} numbers, and the model's are of {features}: it is for "
                    + "another model family."
            );
    }

    public void Dispose()
    {
        foreach (Tensor vectors in _vectors)
        {
            vectors.Dispose();
        }
    }
}
