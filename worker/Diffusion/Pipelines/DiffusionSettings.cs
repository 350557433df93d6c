using Generation.Diffusion.Prompts;

namespace Generation.Diffusion.Pipelines;

/// <summary>One picture of a batch.</summary>
/// <param name="Seed">The seed of its noise, with which the picture is the same alone and in any batch.</param>
public sealed record PictureItem(string Prompt, string? NegativePrompt, long Seed)
{
    /// <summary>The prompt for the second text encoder of SDXL and FLUX; null for the same prompt.</summary>
    public string? Prompt2 { get; init; }

    /// <summary>The negative prompt for the second text encoder of SDXL and FLUX; null for the same negative prompt.</summary>
    public string? NegativePrompt2 { get; init; }
}

/// <summary>The settings that every run has. Defaults are those of diffusers.</summary>
public abstract record DiffusionSettings
{
    public string Prompt { get; init; } = "";

    /// <summary>What the picture should not show; null and empty differ only where a model's config says so (SDXL).</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>The prompt for the second text encoder of SDXL and FLUX; null for the same prompt.</summary>
    public string? Prompt2 { get; init; }

    /// <summary>The negative prompt for the second text encoder of SDXL and FLUX; null for the same negative prompt.</summary>
    public string? NegativePrompt2 { get; init; }

    /// <summary>
    /// How prompts are read. Plain is as the reference implementation reads them; Weighted has emphasis, BREAK and prompts of any length.
    /// FLUX reads plain text only.
    /// </summary>
    public PromptSyntax PromptSyntax { get; init; }

    /// <summary>Textual inversion embeddings that prompts may name; they remain the caller's.</summary>
    public IReadOnlyList<TextualInversion> Embeddings { get; init; } = [];

    /// <summary>The width in pixels; null for the model's native size, or the input picture's. The same holds for the height.</summary>
    public int? Width { get; init; }

    public int? Height { get; init; }

    public int NumInferenceSteps { get; init; } = 50;

    /// <summary>The scale of classifier-free guidance; 1 or less turns it off. Ho and Salimans, 2022.</summary>
    public double GuidanceScale { get; init; } = 7.5;

    /// <summary>
    /// How much of the guidance is rescaled, 0 to 1. Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, 2024,
    /// section 3.4.
    /// </summary>
    public double GuidanceRescale { get; init; }

    /// <summary>The seed of the first picture; picture k is made from Seed + k.</summary>
    public long Seed { get; init; }

    public int NumImages { get; init; } = 1;

    /// <summary>Prompts and seeds picture by picture, which replace Prompt, NegativePrompt, Seed and NumImages.</summary>
    public IReadOnlyList<PictureItem>? Items { get; init; }

    /// <summary>The scheduler, which replaces the model's own.</summary>
    public SchedulerConfig? Scheduler { get; init; }

    /// <summary>How much noise DDIM and TCD add back at each step, 0 to 1. Song et al., 2021, equation 16.</summary>
    public double Eta { get; init; }

    /// <summary>How many of the text encoder's last layers are left out; null for the model's own number.</summary>
    public int? ClipSkip { get; init; }

    /// <summary>
    /// The share of the schedule after which this run stops, with noisy latents, for a refiner to continue from; null runs to the end.
    /// </summary>
    public double? DenoisingEnd { get; init; }

    /// <summary>
    /// The calls of the network that are made, where they were planned before; replaces what strength, denoising_start and denoising_end
    /// say about it.
    /// </summary>
    public StepWindow? Window { get; init; }

    /// <summary>Sizes, crops and scores for SDXL; null for the defaults.</summary>
    public SdxlConditions? Sdxl { get; init; }

    /// <summary>Settings that only FLUX has; null for the defaults.</summary>
    public FluxOptions? Flux { get; init; }

    /// <summary>The pictures to make, one by one.</summary>
    /// <exception cref="SettingException">There are none, or Items and the other settings disagree.</exception>
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

    /// <summary>Checks all that can be checked without a model.</summary>
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

/// <summary>Settings for generating pictures from a prompt.</summary>
public record Text2ImgSettings : DiffusionSettings;

/// <summary>A setting of a run has a value that it cannot have. The message names the field, its value and the limit.</summary>
/// <param name="field">The setting, in snake_case as requests name it.</param>
public sealed class SettingException(string field, string detail) : ArgumentException($"{field}: {detail}")
{
    public string Field { get; } = field;
}
