using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// A network with its weights. Calls leave their result in the caller's dispose scope and no other tensor alive. Inputs of another type or
/// memory layout are converted, and results are returned in the type of the first input.
/// </summary>
public abstract class Network : IDisposable
{
    private ParameterStore? _parameters;

    protected Network(NetworkWeights weights)
    {
        Dtype = weights.Dtype;
    }

    /// <summary>The weights by their names in the checkpoint.</summary>
    public ParameterStore Parameters =>
        _parameters ?? throw new InvalidOperationException("The network's constructor has not finished its weights");

    /// <summary>The number type that the network computes in.</summary>
    public ScalarType Dtype { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _parameters?.Dispose();
        }
    }

    /// <summary>Has to be the last call in each network's constructor: it checks that every weight was taken.</summary>
    /// <exception cref="WeightsException">Keys are missing, unexpected or misshapen; the message lists them.</exception>
    protected void Finish(NetworkWeights weights) => _parameters = weights.Finish();

    /// <summary>Returns <paramref name="x"/> in the network's type.</summary>
    protected Tensor ToOwn(Tensor x) => x.dtype == Dtype ? x : x.to(Dtype);

    /// <summary>Returns <paramref name="result"/> in the type of <paramref name="like"/> and in contiguous memory.</summary>
    protected static Tensor ToCaller(Tensor result, Tensor like) => result.to(like.dtype).contiguous();
}
