using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>Classifier-free guidance.</summary>
internal static class Guidance
{
    /// <summary>
    /// Splits (2 n, ...) into the unguided and the prompted half, and extrapolates from the one to the other by <paramref name="scale"/>.
    /// </summary>
    public static Tensor Combine(Tensor prediction, double scale, double rescale)
    {
        Tensor[] halves = prediction.chunk(2, 0);
        Tensor guided = halves[0] + (scale * (halves[1] - halves[0]));
        return rescale > 0 ? Rescale(guided, halves[1], rescale) : guided;
    }

    /// <summary>Brings the guided prediction's standard deviation back towards the prompted one's. Lin et al., 2024, section 3.4.</summary>
    public static Tensor Rescale(Tensor guided, Tensor prompted, double rescale)
    {
        long[] axes = [.. Enumerable.Range(1, (int)guided.dim() - 1).Select(axis => (long)axis)];
        Tensor rescaled = guided * (prompted.std(axes, keepdim: true) / guided.std(axes, keepdim: true));
        return (rescale * rescaled) + ((1 - rescale) * guided);
    }
}
