using Generation.Imaging;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>What a run made. Owns its tensors.</summary>
public sealed class PictureBatch : IDisposable
{
    public PictureBatch(Tensor latents, Tensor images, IReadOnlyList<long> seeds)
    {
        Latents = latents.DetachFromDisposeScope();
        Images = images.DetachFromDisposeScope();
        Seeds = seeds;
    }

    /// <summary>Before decoding: (pictures, channels, height, width), float32.</summary>
    public Tensor Latents { get; }

    /// <summary>(pictures, height, width, 3), float32 from 0 to 1, on the CPU. Of clips: their frames in order.</summary>
    public Tensor Images { get; }

    /// <summary>The seed that makes each picture alone; one for a whole clip.</summary>
    public IReadOnlyList<long> Seeds { get; }

    /// <summary>Frames of each clip, one after the other in <see cref="Images"/>; 1 where they are pictures.</summary>
    public int FramesPerClip { get; init; } = 1;

    /// <summary>The pictures in 8 bits.</summary>
    public IReadOnlyList<Picture> ToPictures() => PictureTensors.ToPictures(Images);

    public void Dispose()
    {
        Latents.Dispose();
        Images.Dispose();
    }
}
