using Generation.Diffusion.Networks;
using Generation.Diffusion.Prompts;
using Generation.Diffusion.Schedulers;
using Generation.Diffusion.Tokenizers;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>Stable Diffusion 1.x and 2.x: one CLIP text encoder. Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2022.</summary>
public sealed class StableDiffusionModel : LatentDiffusionModel
{
    private StableDiffusionModel(ClipTokenizer tokenizer, CLIPTextModel textEncoder, UNet2DConditionModel unet, AutoencoderKL vae, SchedulerConfig scheduler, Device device)
        : base(unet, vae, scheduler, device)
    {
        Tokenizer = tokenizer;
        TextEncoder = textEncoder;
    }

    public ClipTokenizer Tokenizer { get; }

    public CLIPTextModel TextEncoder { get; }

    /// <inheritdoc cref="LatentDiffusionModel.Load"/>
    public static new StableDiffusionModel Load(ModelFiles files, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        var networks = new NetworkLoader(files, dtype, device);
        try
        {
            return new StableDiffusionModel(
                files.ClipTokenizer("tokenizer"),
                networks.ClipText("text_encoder"),
                networks.UNet(),
                networks.Vae(),
                files.Scheduler(),
                device ?? CPU);
        }
        catch
        {
            networks.DisposeLoaded();
            throw;
        }
    }

    internal override LatentConditions Condition(DiffusionSettings settings, IReadOnlyList<PictureItem> pictures, PictureSize size, bool fromImage)
    {
        PromptEncoder encoder = ClipPrompts.Encoder(settings, Tokenizer, TextEncoder);
        IReadOnlyList<IReadOnlyList<PromptChunk>> texts = encoder.Split(settings, "prompt", pictures.Select(picture => picture.Prompt));
        if (!IsGuided(settings))
        {
            return new LatentConditions(encoder.Encode(texts, texts.Max(text => text.Count), settings.ClipSkip, TextState.Normed).States);
        }

        IReadOnlyList<IReadOnlyList<PromptChunk>> negativeTexts = encoder.Split(settings, "negative_prompt", pictures.Select(picture => picture.NegativePrompt ?? ""));
        int chunks = texts.Concat(negativeTexts).Max(text => text.Count);
        Tensor prompts = encoder.Encode(texts, chunks, settings.ClipSkip, TextState.Normed).States;
        // The reference leaves layers out of the prompt's encoding only.
        Tensor negatives = encoder.Encode(negativeTexts, chunks, clipSkip: null, TextState.Normed).States;
        return new LatentConditions(cat([negatives, prompts], 0));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            TextEncoder.Dispose();
        }

        base.Dispose(disposing);
    }
}
