using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>A network that enlarges pictures by a whole factor: <see cref="RRDBNet"/> or <see cref="SRVGGNetCompact"/>.</summary>
public interface IUpscalerNetwork : IDisposable
{
    /// <summary>How many times larger each side becomes.</summary>
    public int Scale { get; }

    /// <param name="image">(batch, 3, height, width) in 0..1</param>
    /// <returns>(batch, 3, height * <see cref="Scale"/>, width * <see cref="Scale"/>), about 0..1, in the type of <paramref name="image"/></returns>
    public Tensor Forward(Tensor image);
}
