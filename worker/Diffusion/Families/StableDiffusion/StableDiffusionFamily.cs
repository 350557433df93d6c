using System.Text.Json.Nodes;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Weights;
using static Generation.Diffusion.Families.Files.PublishedConfigs;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// Stable Diffusion 1.x and 2.x: a UNet over latents, and one CLIP text encoder. The models for inpainting, InstructPix2Pix and the x4
/// upscaler, which were trained from them, belong to it, too. Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models,
/// 2022.
/// </summary>
public sealed class StableDiffusionFamily : ModelFamily
{
    // stable-diffusion-v1-5: unet/config.json; eight heads in every block
    private static readonly string[] DownCrossThenPlain =
    [
        "CrossAttnDownBlock2D",
        "CrossAttnDownBlock2D",
        "CrossAttnDownBlock2D",
        "DownBlock2D",
    ];
    private static readonly string[] UpPlainThenCross = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"];

    /// <summary>Stable Diffusion 1.5 at 512 pixels.</summary>
    public static PublishedModel Sd15 { get; } =
        new()
        {
            Name = "sd15",
            TrainerNames = ["stable-diffusion-v1", "sd_v1", "sd_1"],
            PipelineClass = "StableDiffusionPipeline",
            Configs = new Dictionary<string, JsonObject>(StringComparer.Ordinal)
            {
                ["unet"] = UNet(contextWidth: 768, sampleSize: 64, heads: new JsonArray(8, 8, 8, 8), linear: false),
                ["vae"] = Vae(scale: 0.18215, sampleSize: 512),
                ["text_encoder"] = ClipL(),
                ["scheduler"] = With(ScaledLinear, ("_class_name", "PNDMScheduler"), ("skip_prk_steps", true), ("set_alpha_to_one", false)),
            },
        };

    /// <summary>Stable Diffusion 2.1 at 768 pixels, which predicts velocities.</summary>
    public static PublishedModel Sd21 { get; } =
        new()
        {
            Name = "sd21",
            TrainerNames = ["stable-diffusion-v2", "sd_v2", "sd_2"],
            OpenClipTokenizers = ["tokenizer"],
            HasTwoPredictions = true,
            PipelineClass = "StableDiffusionPipeline",
            Configs = new Dictionary<string, JsonObject>(StringComparer.Ordinal)
            {
                ["unet"] = UNet(contextWidth: 1024, sampleSize: 96, heads: new JsonArray(5, 10, 20, 20), linear: true),
                ["vae"] = Vae(scale: 0.18215, sampleSize: 768),
                ["text_encoder"] = OpenClip(width: 1024, layers: 23, heads: 16, projection: 512),
                ["scheduler"] = With(
                    ScaledLinear,
                    ("_class_name", "DDIMScheduler"),
                    ("prediction_type", "v_prediction"),
                    ("clip_sample", false),
                    ("set_alpha_to_one", false)
                ),
            },
        };

    public override IReadOnlyList<PublishedModel> Published => [Sd15, Sd21];

    public override bool Knows(ModelSource source) => source.Files.Has("unet") && !source.Files.Has("text_encoder_2");

    public override DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        StableDiffusionModel.Load(source.Files, dtype, device);

    public override bool SeesMask(ModelFiles files) => LdmShape.SeesMask(files);

    public override AdapterWidths Widths(ModelFiles files) =>
        LdmShape.Widths(files) with
        {
            Embedding = files.NumberOrNull("text_encoder", "hidden_size"),
        };

    internal override IEnumerable<CheckpointPart> FindParts(WeightSource source) => LdmKeys.FindParts(source);

    internal override PublishedModel? Recognize(WeightSource source, IReadOnlyDictionary<string, CheckpointPart> parts) =>
        LdmShape.Of(source, parts) switch
        {
            { Channels: 320, PromptFeatures: 768 } => Sd15,
            { Channels: 320, PromptFeatures: 1024 } => Sd21,
            _ => null,
        };

    private static JsonObject UNet(int contextWidth, int sampleSize, JsonArray heads, bool linear) =>
        new()
        {
            ["_class_name"] = "UNet2DConditionModel",
            ["sample_size"] = sampleSize,
            ["in_channels"] = 4,
            ["out_channels"] = 4,
            ["block_out_channels"] = new JsonArray(320, 640, 1280, 1280),
            ["down_block_types"] = Array(DownCrossThenPlain),
            ["up_block_types"] = Array(UpPlainThenCross),
            ["layers_per_block"] = 2,
            ["cross_attention_dim"] = contextWidth,
            // the field's name is a mistake of diffusers: it counts heads
            ["attention_head_dim"] = heads,
            ["use_linear_projection"] = linear,
            ["norm_num_groups"] = 32,
        };
}
