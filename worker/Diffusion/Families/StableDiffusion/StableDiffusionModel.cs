using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using Generation.Tokenizers;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// Stable Diffusion 1.x and 2.x, which have one CLIP text encoder. Rombach et al., High-Resolution Image Synthesis with Latent Diffusion
/// Models, 2022.
/// </summary>
public sealed class StableDiffusionModel : LatentDiffusionModel
{
    private StableDiffusionModel(
        ModelFiles files,
        ClipTokenizer tokenizer,
        CLIPTextModel textEncoder,
        UNet2DConditionModel unet,
        AutoencoderKL vae,
        Device device
    )
        : base(files, unet, vae, device)
    {
        Tokenizer = tokenizer;
        TextEncoder = textEncoder;
    }

    public ClipTokenizer Tokenizer { get; }

    public CLIPTextModel TextEncoder { get; }

    public override IReadOnlyDictionary<string, ParameterStore> Adaptable =>
        new Dictionary<string, ParameterStore>(StringComparer.Ordinal)
        {
            ["unet"] = UNet.Parameters,
            ["text_encoder"] = TextEncoder.Parameters,
        };

    public override string Family =>
        Abilities == ModelAbilities.Upscale ? "x4-upscaler"
        : UNet.Config.CrossAttentionDim[0] == StableDiffusionFamily.Sd21.PromptFeatures ? StableDiffusionFamily.Sd21.Name
        : StableDiffusionFamily.Sd15.Name;

    public override ModelDefaults Defaults =>
        Abilities == ModelAbilities.Upscale ? base.Defaults with { Steps = 75, GuidanceScale = 9 } : base.Defaults;

    /// <summary>Loads a model from opened files.</summary>
    /// <exception cref="WeightsException">A component is missing or does not fit; the message names file and keys.</exception>
    public static StableDiffusionModel Load(ModelFiles files, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        var networks = new NetworkLoader(files, dtype, device);
        try
        {
            return new StableDiffusionModel(
                files,
                files.ClipTokenizer("tokenizer"),
                networks.ClipText("text_encoder"),
                networks.UNet(),
                networks.Vae(),
                device ?? CPU
            );
        }
        catch
        {
            networks.DisposeLoaded();
            throw;
        }
    }

    internal override LatentConditions Condition(
        DiffusionSettings settings,
        IReadOnlyList<PictureItem> pictures,
        PictureSize size,
        bool fromImage
    ) => new LatentConditions(ClipPrompts.Condition(settings, Tokenizer, TextEncoder, pictures, IsGuided(settings)));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            TextEncoder.Dispose();
        }

        base.Dispose(disposing);
    }
}
