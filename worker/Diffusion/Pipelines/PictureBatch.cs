using Generation.Imaging;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>The result of a run. Owns its tensors.</summary>
public sealed class PictureBatch : IDisposable
{
    public PictureBatch(Tensor latents, Tensor images, IReadOnlyList<long> seeds)
    {
        Latents = latents.DetachFromDisposeScope();
        Images = images.DetachFromDisposeScope();
        Seeds = seeds;
    }

    /// <summary>The latents before decoding, (pictures, channels, height, width), in float32.</summary>
    public Tensor Latents { get; }

    /// <summary>The pictures, (pictures, height, width, 3), float32 from 0 to 1, on the CPU. For clips the frames in order.</summary>
    public Tensor Images { get; }

    /// <summary>The seed with which each picture is the same alone; one for a whole clip.</summary>
    public IReadOnlyList<long> Seeds { get; }

    /// <summary>The number of frames of each clip, which follow each other in <see cref="Images"/>; 1 where they are pictures.</summary>
    public int FramesPerClip { get; init; } = 1;

    /// <summary>Converts the pictures to 8 bits.</summary>
    public IReadOnlyList<Picture> ToPictures() => PictureTensors.ToPictures(Images);

    public void Dispose()
    {
        Latents.Dispose();
        Images.Dispose();
    }
}
