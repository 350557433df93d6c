using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Turns attention masks into the bias that is added to attention scores.</summary>
public static class Masks
{
    // The reference adds this and not minus infinity: a row that is masked as a whole then stays a number
    private const double Discard = -10000.0;

    /// <summary>Turns (batch, keys) of ones and zeros into (batch, 1, 1, keys) of 0 and -10000; null stays null.</summary>
    public static Tensor? ToBias(Tensor? mask, ScalarType dtype)
    {
        if (mask is null)
        {
            return null;
        }
        using DisposeScope scope = NewDisposeScope();
        return ((1 - mask.to(dtype)) * Discard).unsqueeze(1).unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Combines the causal mask with a padding mask: (batch, length) of ones and zeros to (batch, 1, length, length).</summary>
    public static Tensor Causal(Tensor mask, ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        long length = mask.shape[1];
        Tensor later = torch.ones(length, length, dtype: ScalarType.Bool, device: mask.device).triu(1);
        Tensor hidden = later.logical_or((mask == 0).unsqueeze(1).unsqueeze(1));
        return torch.zeros(1, dtype: dtype, device: mask.device).masked_fill(hidden, Discard).MoveToOuterDisposeScope();
    }
}
