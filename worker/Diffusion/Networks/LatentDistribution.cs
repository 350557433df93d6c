using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>What an encoder says of a picture's latents: a normal distribution per value. The tensors live in the caller's scope.</summary>
/// <param name="Mean">(batch, latent channels, height, width); also the mode.</param>
/// <param name="LogVar">Logarithm of the variance, same shape, within -30 to 20.</param>
public sealed record LatentDistribution(Tensor Mean, Tensor LogVar) : IDisposable
{
    private const double MinLogVar = -30;
    private const double MaxLogVar = 20;

    /// <summary>Splits an encoder's output, in the caller's scope.</summary>
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

    /// <summary>One draw: mean + deviation * noise.</summary>
    /// <param name="noise">Standard normal, shaped as the mean.</param>
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
