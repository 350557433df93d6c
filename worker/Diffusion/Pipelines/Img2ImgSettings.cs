using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

/// <summary>
/// Settings for generating pictures from a picture and a prompt. Width and Height, where not given, are the picture's own, cut to what the
/// model can make.
/// </summary>
public record Img2ImgSettings : DiffusionSettings
{
    public required Picture Image { get; init; }

    /// <summary>
    /// The share of the noise schedule that is run, 0 to 1: 0 leaves the picture as it is, 1 ignores it. Meng et al., SDEdit, 2022.
    /// </summary>
    public double Strength { get; init; } = 0.8;

    /// <summary>
    /// The latents of another model's unfinished run, still noisy, to continue from instead of Image; see <see cref="DenoisingStart"/>.
    /// </summary>
    public TorchSharp.torch.Tensor? ImageLatents { get; init; }

    /// <summary>
    /// The share of the schedule that another model has run already (its denoising_end); replaces Strength, and no noise is added.
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

/// <summary>Settings for changing a picture as an instruction says. The prompt is the instruction.</summary>
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

/// <summary>Settings for enlarging a picture four times, guided by a prompt.</summary>
public sealed record UpscaleSettings : DiffusionSettings
{
    public UpscaleSettings()
    {
        // the reference's own defaults for this pipeline
        NumInferenceSteps = 75;
        GuidanceScale = 9;
    }

    public required Picture Image { get; init; }

    /// <summary>
    /// The noise that is added to the small picture first, as a timestep of the noise schedule: more noise lets the model change more.
    /// </summary>
    public int NoiseLevel { get; init; } = 20;
}
