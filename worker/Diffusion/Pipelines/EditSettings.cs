using Generation.Imaging;

namespace Generation.Diffusion.Pipelines;

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
