using System.Text.Json.Nodes;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Weights;
using static Generation.Diffusion.Families.Files.PublishedConfigs;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.StableDiffusionXL;

/// <summary>
/// Stable Diffusion XL and its refiner, which have two text encoders, and conditions on the picture's size and crop. Its runs and pipelines
/// are those of Stable Diffusion. Podell et al., SDXL, 2023.
/// </summary>
public sealed class StableDiffusionXLFamily : ModelFamily
{
    // Of both text encoders' tokens together, by which embeddings of SDXL are told
    private const long JoinedFeatures = 2048;

    /// <summary>Stable Diffusion XL at 1024 pixels.</summary>
    public static PublishedModel Sdxl { get; } =
        new()
        {
            Name = "sdxl",
            TrainerNames = ["stable-diffusion-xl-v1-base", "sdxl_base", "sdxl_v"],
            PipelineClass = "StableDiffusionXLPipeline",
            Settings = new Dictionary<string, bool>(StringComparer.Ordinal) { ["force_zeros_for_empty_prompt"] = true },
            Configs = new Dictionary<string, JsonObject>(StringComparer.Ordinal)
            {
                ["unet"] = SdxlUNet(
                    channels: [320, 640, 1280],
                    down: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
                    up: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
                    heads: [5, 10, 20],
                    layers: new JsonArray(1, 2, 10),
                    contextWidth: 2048,
                    conditionWidth: 2816
                ),
                ["vae"] = With(Vae(scale: 0.13025, sampleSize: 1024), ("force_upcast", true)),
                ["text_encoder"] = ClipL(),
                ["text_encoder_2"] = OpenClip(width: 1280, layers: 32, heads: 20, projection: 1280),
                ["scheduler"] = With(ScaledLinear, ("_class_name", "EulerDiscreteScheduler"), ("timestep_spacing", "leading")),
            },
        };

    /// <summary>The refiner, which does the last steps of a run.</summary>
    public static PublishedModel SdxlRefiner { get; } =
        Sdxl with
        {
            Name = "sdxl-refiner",
            TrainerNames = ["stable-diffusion-xl-v1-refiner", "sdxl_refiner"],
            PipelineClass = "StableDiffusionXLImg2ImgPipeline",
            Settings = new Dictionary<string, bool>(StringComparer.Ordinal)
            {
                ["force_zeros_for_empty_prompt"] = false,
                ["requires_aesthetics_score"] = true,
            },
            Configs = new Dictionary<string, JsonObject>(StringComparer.Ordinal)
            {
                ["unet"] = SdxlUNet(
                    channels: [384, 768, 1536, 1536],
                    down: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
                    up: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
                    heads: [6, 12, 24, 24],
                    layers: 4,
                    contextWidth: 1280,
                    conditionWidth: 2560
                ),
                ["vae"] = Sdxl.Configs["vae"],
                ["text_encoder_2"] = Sdxl.Configs["text_encoder_2"],
                ["scheduler"] = Sdxl.Configs["scheduler"],
            },
        };

    public override IReadOnlyList<PublishedModel> Published => [Sdxl, SdxlRefiner];

    public override bool Knows(ModelSource source) => source.Files.Has("unet") && source.Files.Has("text_encoder_2");

    public override DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        StableDiffusionXLModel.Load(source.Files, dtype, device);

    public override bool SeesMask(ModelFiles files) => LdmShape.SeesMask(files);

    public override AdapterWidths Widths(ModelFiles files) => LdmShape.Widths(files) with { Embedding = JoinedFeatures };

    public override AdapterFit? FitOfEmbedding(SafetensorsFile file) =>
        file.Has("clip_g") ? new AdapterFit(Sdxl.Name, model => model.Embedding == JoinedFeatures) : null;

    internal override IEnumerable<CheckpointPart> FindParts(WeightSource source)
    {
        bool Any(string prefix) => source.Names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));
        if (Any("conditioner.embedders.0.transformer."))
        {
            yield return CheckpointPart.Clip("text_encoder", "conditioner.embedders.0.transformer.");
        }

        // The refiner has the second text encoder alone, in the first place
        foreach (string prefix in new[] { "conditioner.embedders.0.model.", "conditioner.embedders.1.model." }.Where(Any))
        {
            yield return CheckpointPart.OpenClip("text_encoder_2", prefix, layers: null, projected: true);
        }
    }

    internal override PublishedModel? Recognize(WeightSource source, IReadOnlyDictionary<string, CheckpointPart> parts) =>
        LdmShape.Of(source, parts) switch
        {
            { Channels: 320, PromptFeatures: 2048 } => Sdxl,
            { Channels: 384, PromptFeatures: 1280 } => SdxlRefiner,
            _ => null,
        };

    private static JsonObject SdxlUNet(
        int[] channels,
        string[] down,
        string[] up,
        int[] heads,
        JsonNode layers,
        int contextWidth,
        int conditionWidth
    ) =>
        new()
        {
            ["_class_name"] = "UNet2DConditionModel",
            ["sample_size"] = 128,
            ["in_channels"] = 4,
            ["out_channels"] = 4,
            ["block_out_channels"] = new JsonArray([.. channels.Select(value => (JsonNode)value)]),
            ["down_block_types"] = Array(down),
            ["up_block_types"] = Array(up),
            ["layers_per_block"] = 2,
            ["transformer_layers_per_block"] = layers,
            ["cross_attention_dim"] = contextWidth,
            ["attention_head_dim"] = new JsonArray([.. heads.Select(value => (JsonNode)value)]),
            ["use_linear_projection"] = true,
            ["norm_num_groups"] = 32,
            ["addition_embed_type"] = "text_time",
            ["addition_time_embed_dim"] = 256,
            ["projection_class_embeddings_input_dim"] = conditionWidth,
        };
}
