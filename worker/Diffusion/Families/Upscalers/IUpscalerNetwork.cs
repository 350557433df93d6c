using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>A network that enlarges pictures by a whole factor: <see cref="RRDBNet"/> or <see cref="SRVGGNetCompact"/>.</summary>
public interface IUpscalerNetwork : IDisposable
{
    /// <summary>The factor by which width and height grow.</summary>
    public int Scale { get; }

    /// <summary>
    /// How far around a pixel of the input the network looks, in pixels: pixels further away do not influence its output.
    /// </summary>
    public int Reach { get; }

    /// <summary>
    /// The network divides the input into squares of this many pixels: a part of a picture is enlarged as it would be in the whole only
    /// where it begins at a multiple of it.
    /// </summary>
    public int Multiple { get; }

    /// <summary>
    /// How many values the largest feature map has for each pixel of the input, from which the memory that is needed follows.
    /// </summary>
    public long ValuesPerPixel { get; }

    /// <param name="image">(batch, 3, height, width) in 0..1</param>
    /// <returns>
    /// (batch, 3, height * <see cref="Scale"/>, width * <see cref="Scale"/>), about 0..1, in the type of <paramref name="image"/>
    /// </returns>
    public Tensor Forward(Tensor image);
}
