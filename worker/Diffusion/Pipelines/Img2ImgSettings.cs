using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

/// <summary>
/// A picture and words to pictures. Width and Height, where not given, are the picture's own, cut to what the model can make.
/// </summary>
public record Img2ImgSettings : DiffusionSettings
{
    public required Picture Image { get; init; }

    /// <summary>
    /// Share of the noise schedule that is run, 0 to 1: 0 leaves the picture as it is, 1 forgets it. Meng et al., SDEdit, 2022.
    /// </summary>
    public double Strength { get; init; } = 0.8;

    /// <summary>
    /// Latents of another model's unfinished run, still noisy, to go on with in place of Image; see <see cref="DenoisingStart"/>.
    /// </summary>
    public TorchSharp.torch.Tensor? ImageLatents { get; init; }

    /// <summary>
    /// Share of the schedule that another model has run already (denoising_end there); takes the place of Strength, and adds no noise.
    /// </summary>
    public double? DenoisingStart { get; init; }

    public override void Check()
    {
        base.Check();
        CheckRange("strength", Strength, 0, 1);
        if (DenoisingStart is { } start)
        {
            CheckRange("denoising_start", start, 0, 1);
        }
    }
}
