using Generation.Diffusion.Networks;
using Generation.Diffusion.Tokenizers;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>
/// Stable Diffusion 1.x and 2.x: one CLIP text encoder. Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2022.
/// </summary>
public sealed class StableDiffusionModel : LatentDiffusionModel
{
    private StableDiffusionModel(
        ClipTokenizer tokenizer,
        CLIPTextModel textEncoder,
        UNet2DConditionModel unet,
        AutoencoderKL vae,
        SchedulerConfig scheduler,
        Device device
    )
        : base(unet, vae, scheduler, device)
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
