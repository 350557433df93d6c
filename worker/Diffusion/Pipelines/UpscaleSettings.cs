using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

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
