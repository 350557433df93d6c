using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// A network with its weights. Calls leave their result in the caller's dispose scope and no other tensor alive; inputs of
/// another type or layout are brought to the network's own, and results come back in the type of the first input.
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

    /// <summary>The type that the network computes in.</summary>
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

    /// <summary>The last line of each network's constructor: all weights were taken, none may be left.</summary>
    /// <exception cref="WeightsException">Lists missing, unexpected and misshapen keys.</exception>
    protected void Finish(NetworkWeights weights) => _parameters = weights.Finish();

    /// <summary><paramref name="x"/> in the network's type.</summary>
    protected Tensor ToOwn(Tensor x) => x.dtype == Dtype ? x : x.to(Dtype);

    /// <summary><paramref name="result"/> in the type of <paramref name="like"/> and in plain memory order.</summary>
    protected static Tensor ToCaller(Tensor result, Tensor like) => result.to(like.dtype).contiguous();
}
