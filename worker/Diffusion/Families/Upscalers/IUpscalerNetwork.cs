using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>A network that enlarges pictures by a whole factor: <see cref="RRDBNet"/> or <see cref="SRVGGNetCompact"/>.</summary>
public interface IUpscalerNetwork : IDisposable
{
    /// <summary>How many times larger each side becomes.</summary>
    public int Scale { get; }

    /// <summary>How far around a pixel of the input the network looks, in pixels: what lies further has no say in its output.</summary>
    public int Reach { get; }

    /// <summary>
    /// The input is seen in squares of this many pixels: a part of a picture is enlarged as in the whole only from a multiple of it on.
    /// </summary>
    public int Multiple { get; }

    /// <summary>Values of the largest feature map for each pixel of the input: what memory follows from.</summary>
    public long ValuesPerPixel { get; }

    /// <param name="image">(batch, 3, height, width) in 0..1</param>
    /// <returns>
    /// (batch, 3, height * <see cref="Scale"/>, width * <see cref="Scale"/>), about 0..1, in the type of <paramref name="image"/>
    /// </returns>
    public Tensor Forward(Tensor image);
}
