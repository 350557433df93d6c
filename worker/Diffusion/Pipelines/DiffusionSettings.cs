using Generation.Diffusion.Prompts;

namespace Generation.Diffusion.Pipelines;

/// <summary>One picture of a batch.</summary>
/// <param name="Seed">Seed of its noise: the same picture comes alone and in any batch.</param>
public sealed record PictureItem(string Prompt, string? NegativePrompt, long Seed)
{
    /// <summary>For the second text encoder of SDXL and FLUX; null is the prompt.</summary>
    public string? Prompt2 { get; init; }

    /// <summary>For the second text encoder of SDXL and FLUX; null is the negative prompt.</summary>
    public string? NegativePrompt2 { get; init; }
}

/// <summary>What every run has. Defaults are those of diffusers.</summary>
public abstract record DiffusionSettings
{
    public string Prompt { get; init; } = "";

    /// <summary>What the picture should not show; null and empty differ only where a model's config says so (SDXL).</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>For the second text encoder of SDXL and FLUX; null is the prompt.</summary>
    public string? Prompt2 { get; init; }

    /// <summary>For the second text encoder of SDXL and FLUX; null is the negative prompt.</summary>
    public string? NegativePrompt2 { get; init; }

    /// <summary>
    /// How prompts are read. Plain is the reference's way; Weighted knows emphasis, BREAK and prompts of any length. FLUX reads plain text
    /// only.
    /// </summary>
    public PromptSyntax PromptSyntax { get; init; }

    /// <summary>Textual inversion embeddings that prompts may name; they stay the caller's.</summary>
    public IReadOnlyList<TextualInversion> Embeddings { get; init; } = [];

    /// <summary>In pixels; null is the model's native size, or the input picture's.</summary>
    public int? Width { get; init; }

    public int? Height { get; init; }

    public int NumInferenceSteps { get; init; } = 50;

    /// <summary>Classifier-free guidance; 1 or less turns it off. Ho and Salimans, 2022.</summary>
    public double GuidanceScale { get; init; } = 7.5;

    /// <summary>
    /// Rescaled guidance, 0 to 1. Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, 2024, section 3.4.
    /// </summary>
    public double GuidanceRescale { get; init; }

    /// <summary>Seed of the first picture; picture k is made from Seed + k.</summary>
    public long Seed { get; init; }

    public int NumImages { get; init; } = 1;

    /// <summary>Prompts and seeds picture by picture; takes the place of Prompt, NegativePrompt, Seed and NumImages.</summary>
    public IReadOnlyList<PictureItem>? Items { get; init; }

    /// <summary>Takes the place of the model's own scheduler.</summary>
    public SchedulerConfig? Scheduler { get; init; }

    /// <summary>Noise that DDIM and TCD put back at each step, 0 to 1. Song et al., 2021, equation 16.</summary>
    public double Eta { get; init; }

    /// <summary>How many of the text encoder's last layers are left out; null is the model's own.</summary>
    public int? ClipSkip { get; init; }

    /// <summary>
    /// Share of the schedule after which this run stops, latents still noisy, for a refiner to go on; null runs to the end.
    /// </summary>
    public double? DenoisingEnd { get; init; }

    /// <summary>
    /// The calls of the network that are made, where that was planned before; takes the place of what strength, denoising_start and
    /// denoising_end say about it.
    /// </summary>
    public StepWindow? Window { get; init; }

    /// <summary>Sizes, crops and scores for SDXL; null takes their defaults.</summary>
    public SdxlConditions? Sdxl { get; init; }

    /// <summary>What FLUX has beyond other families; null takes the defaults.</summary>
    public FluxOptions? Flux { get; init; }

    /// <summary>The pictures to make, one by one.</summary>
    /// <exception cref="SettingException">None, or two ways of saying it that disagree.</exception>
    public IReadOnlyList<PictureItem> Pictures()
    {
        if (Items is not null)
        {
            return Items.Count > 0
                ? Items
                : throw new SettingException("items", "the list is empty and at least one picture must be made.");
        }

        return NumImages >= 1
            ?
            [
                .. Enumerable
                    .Range(0, NumImages)
                    .Select(k => new PictureItem(Prompt, NegativePrompt, unchecked(Seed + k))
                    {
                        Prompt2 = Prompt2,
                        NegativePrompt2 = NegativePrompt2,
                    }),
            ]
            : throw new SettingException("num_images", $"is {NumImages} and must be 1 or more.");
    }

    /// <summary>Checks what needs no model.</summary>
    /// <exception cref="SettingException">A value is out of its range.</exception>
    public virtual void Check()
    {
        if (NumInferenceSteps < 1)
        {
            throw new SettingException("num_inference_steps", $"is {NumInferenceSteps} and must be 1 or more.");
        }

        CheckRange("guidance_rescale", GuidanceRescale, 0, 1);
        CheckRange("eta", Eta, 0, 1);
        CheckFinite("guidance_scale", GuidanceScale);
        if (ClipSkip < 0)
        {
            throw new SettingException("clip_skip", $"is {ClipSkip} and must be 0 or more.");
        }

        if (DenoisingEnd is { } end)
        {
            CheckRange("denoising_end", end, 0, 1);
        }
    }

    protected static void CheckRange(string field, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
        {
            throw new SettingException(field, $"is {value} and must be from {least} to {most}.");
        }
    }

    protected static void CheckFinite(string field, double value)
    {
        if (!double.IsFinite(value))
        {
            throw new SettingException(field, $"is {value} and must be a finite number.");
        }
    }
}

/// <summary>Words to pictures.</summary>
public record Text2ImgSettings : DiffusionSettings;

/// <summary>A setting of a run cannot be. The message names the field, its value and the limit.</summary>
/// <param name="field">The setting, in snake_case as requests name it.</param>
public sealed class SettingException(string field, string detail) : ArgumentException($"{field}: {detail}")
{
    public string Field { get; } = field;
}
