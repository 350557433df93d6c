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

/// <summary>Changes a picture as an instruction says. The prompt is the instruction.</summary>
public sealed record EditSettings : DiffusionSettings
{
    public required Picture Image { get; init; }

    /// <summary>How closely the result keeps to the picture, 1 or more.</summary>
    public double ImageGuidanceScale { get; init; } = 1.5;

    public override void Check()
    {
        base.Check();
        CheckFinite("image_guidance_scale", ImageGuidanceScale);
    }
}

/// <summary>Makes a picture four times larger on each side, led by words.</summary>
public sealed record UpscaleSettings : DiffusionSettings
{
    public UpscaleSettings()
    {
        // the reference's own defaults for this pipeline
        NumInferenceSteps = 75;
        GuidanceScale = 9;
    }

    public required Picture Image { get; init; }

    /// <summary>Noise laid over the small picture before, as a time of the noise schedule: more lets the model change more.</summary>
    public int NoiseLevel { get; init; } = 20;
}
