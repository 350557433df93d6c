using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>
/// Means and variances of a network's group norms, in the order of the calls. They are measured in a first run, over a reduced picture, and
/// then used for every tile of the picture, so that all tiles are treated as parts of one.
/// </summary>
internal sealed class NormStatistics : IDisposable
{
    private readonly List<(Tensor Mean, Tensor Variance)> _measured = [];
    private int _next = -1;

    /// <summary>Ends the measuring: from now on the measured values are returned, from the first norm on.</summary>
    public void Rewind() => _next = 0;

    /// <summary>The mean and variance of each group, (groups), in float32, not owned by the caller.</summary>
    /// <param name="x">(1, channels, height, width)</param>
    public (Tensor Mean, Tensor Variance) Of(Tensor x, long groups)
    {
        if (_next < 0)
        {
            _measured.Add(Measure(x, groups));
            return _measured[^1];
        }
        return _measured[_next++];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((Tensor? mean, Tensor? variance) in _measured)
        {
            mean.Dispose();
            variance.Dispose();
        }
    }

    private static (Tensor Mean, Tensor Variance) Measure(Tensor x, long groups)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = x.to(ScalarType.Float32).reshape(groups, -1);
        return (flat.mean([1]).DetachFromDisposeScope(), flat.var([1], unbiased: false).DetachFromDisposeScope());
    }
}
