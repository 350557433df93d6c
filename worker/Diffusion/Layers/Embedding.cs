using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>A table of vectors, one row per id.</summary>
public sealed class Embedding
{
    private readonly Parameter _weight;

    public Embedding(NetworkWeights w, long rows, long features) => _weight = w.Take("weight", rows, features);

    /// <param name="ids">Row numbers (int64), any shape.</param>
    /// <returns>(shape of <paramref name="ids"/>, features)</returns>
    public Tensor Forward(Tensor ids)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = _weight.Value.index_select(0, ids.flatten());
        return rows.view([.. ids.shape, rows.shape[^1]]).MoveToOuterDisposeScope();
    }

    /// <summary>Rows <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/> - 1, as a view.</summary>
    /// <returns>(count, features)</returns>
    public Tensor Rows(long start, long count) => _weight.Value.narrow(0, start, count);
}
