using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// The distribution of a picture's latents, as an encoder predicts it: a normal distribution per value. The tensors are in the caller's
/// scope.
/// </summary>
/// <param name="Mean">(batch, latent channels, height, width); also the mode.</param>
/// <param name="LogVar">The logarithm of the variance, of the same shape, between -30 and 20.</param>
public sealed record LatentDistribution(Tensor Mean, Tensor LogVar) : IDisposable
{
    private const double MinLogVar = -30;
    private const double MaxLogVar = 20;

    /// <summary>Makes the distribution from an encoder's output, in the caller's scope.</summary>
    /// <param name="moments">(batch, 2 * latent channels, height, width)</param>
    internal static LatentDistribution FromMoments(Tensor moments)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] halves = moments.chunk(2, 1);
        return new LatentDistribution(
            halves[0].contiguous().MoveToOuterDisposeScope(),
            halves[1].clamp(MinLogVar, MaxLogVar).contiguous().MoveToOuterDisposeScope()
        );
    }

    /// <summary>Draws one sample: mean + standard deviation * noise.</summary>
    /// <param name="noise">Standard normal noise in the shape of the mean.</param>
    public Tensor Sample(Tensor noise)
    {
        using DisposeScope scope = NewDisposeScope();
        return (Mean + torch.exp(LogVar * 0.5) * noise).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Mean.Dispose();
        LogVar.Dispose();
    }
}
