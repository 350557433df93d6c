using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>What an encoder says of a picture's latents: a normal distribution per value. The tensors live in the caller's scope.</summary>
/// <param name="Mean">(batch, latent channels, height, width); also the mode.</param>
/// <param name="LogVar">Logarithm of the variance, same shape, within -30 to 20.</param>
public sealed record LatentDistribution(Tensor Mean, Tensor LogVar) : IDisposable
{
    /// <summary>One draw: mean + deviation * noise.</summary>
    /// <param name="noise">Standard normal, shaped as the mean.</param>
    public Tensor Sample(Tensor noise)
    {
        using var scope = NewDisposeScope();
        return (Mean + torch.exp(LogVar * 0.5) * noise).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Mean.Dispose();
        LogVar.Dispose();
    }
}
