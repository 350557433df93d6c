using System.Text.Json.Nodes;

namespace Generation.Diffusion;

/// <summary>
/// What cannot be read off a checkpoint's tensors: for each published family the configs of its parts. Sources: the
/// config.json files of the models named, as published in the diffusers layout.
/// </summary>
public sealed record Family
{
    /// <summary>Short name, as catalogue entries have it: sd15, sd21, sdxl, ...</summary>
    public required string Name { get; init; }

    /// <summary>Class of the diffusers pipeline that the family was published with.</summary>
    public required string PipelineClass { get; init; }

    /// <summary>Configs by component: unet or transformer, vae, text_encoder, ..., scheduler.</summary>
    public required IReadOnlyDictionary<string, JsonObject> Configs { get; init; }

    /// <summary>Side of the square pictures that the model was trained on, in pixels.</summary>
    public required int NativeSide { get; init; }

    public required int DefaultSteps { get; init; }

    public required double DefaultGuidanceScale { get; init; }

    /// <summary>Pipeline settings that model_index.json has.</summary>
    public IReadOnlyDictionary<string, bool> Settings { get; init; } = new Dictionary<string, bool>(StringComparer.Ordinal);
}

/// <summary>The families that this library knows without a config folder.</summary>
public static class Catalog
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

    private static readonly JsonObject ScaledLinear = new()
    {
        ["beta_start"] = 0.00085,
        ["beta_end"] = 0.012,
        ["beta_schedule"] = "scaled_linear",
        ["num_train_timesteps"] = 1000,
        ["steps_offset"] = 1,
    };

    public static Family Sd15 { get; } =
        new()
        {
            Name = "sd15",
            PipelineClass = "StableDiffusionPipeline",
            NativeSide = 512,
            DefaultSteps = 50,
            DefaultGuidanceScale = 7.5,
            Configs = new Dictionary<string, JsonObject>(StringComparer.Ordinal)
            {
                ["unet"] = UNet(contextWidth: 768, sampleSize: 64, heads: new JsonArray(8, 8, 8, 8), linear: false),
                ["vae"] = Vae(scale: 0.18215, sampleSize: 512),
                ["text_encoder"] = ClipL(),
                ["scheduler"] = With(ScaledLinear, ("_class_name", "PNDMScheduler"), ("skip_prk_steps", true), ("set_alpha_to_one", false)),
            },
        };

    /// <summary>Stable Diffusion 2.1 at 768 pixels, which predicts velocities.</summary>
    public static Family Sd21 { get; } =
        new()
        {
            Name = "sd21",
            PipelineClass = "StableDiffusionPipeline",
            NativeSide = 768,
            DefaultSteps = 50,
            DefaultGuidanceScale = 7.5,
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

    public static Family Sdxl { get; } =
        new()
        {
            Name = "sdxl",
            PipelineClass = "StableDiffusionXLPipeline",
            NativeSide = 1024,
            DefaultSteps = 50,
            DefaultGuidanceScale = 5,
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

    public static Family SdxlRefiner { get; } =
        Sdxl with
        {
            Name = "sdxl-refiner",
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

    /// <summary>FLUX.1 schnell, distilled to few steps without guidance.</summary>
    public static Family FluxSchnell { get; } =
        Flux("flux-schnell", "FluxPipeline", guidance: false, channels: 64, steps: 4, scale: 0, dynamicShift: false);

    public static Family FluxDev { get; } =
        Flux("flux-dev", "FluxPipeline", guidance: true, channels: 64, steps: 28, scale: 3.5, dynamicShift: true);

    public static Family FluxFill { get; } =
        Flux("flux-fill", "FluxFillPipeline", guidance: true, channels: 384, steps: 50, scale: 30, dynamicShift: true);

    public static IReadOnlyList<Family> Families { get; } = [Sd15, Sd21, Sdxl, SdxlRefiner, FluxSchnell, FluxDev, FluxFill];

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

    private static JsonObject Vae(double scale, int sampleSize) =>
        new()
        {
            ["_class_name"] = "AutoencoderKL",
            ["sample_size"] = sampleSize,
            ["scaling_factor"] = scale,
            ["latent_channels"] = 4,
            ["block_out_channels"] = new JsonArray(128, 256, 512, 512),
            ["down_block_types"] = Array(Enumerable.Repeat("DownEncoderBlock2D", 4)),
            ["up_block_types"] = Array(Enumerable.Repeat("UpDecoderBlock2D", 4)),
            ["layers_per_block"] = 2,
            ["norm_num_groups"] = 32,
        };

    private static JsonObject ClipL() =>
        new()
        {
            ["architectures"] = new JsonArray("CLIPTextModel"),
            ["hidden_size"] = 768,
            ["intermediate_size"] = 3072,
            ["num_hidden_layers"] = 12,
            ["num_attention_heads"] = 12,
            ["hidden_act"] = "quick_gelu",
            ["projection_dim"] = 768,
            ["vocab_size"] = 49408,
            ["eos_token_id"] = 49407,
        };

    private static JsonObject OpenClip(int width, int layers, int heads, int projection) =>
        new()
        {
            ["architectures"] = new JsonArray("CLIPTextModel"),
            ["hidden_size"] = width,
            ["intermediate_size"] = 4 * width,
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = heads,
            ["hidden_act"] = "gelu",
            ["projection_dim"] = projection,
            ["vocab_size"] = 49408,
            ["eos_token_id"] = 49407,
        };

    private static Family Flux(string name, string pipeline, bool guidance, int channels, int steps, double scale, bool dynamicShift) =>
        new()
        {
            Name = name,
            PipelineClass = pipeline,
            NativeSide = 1024,
            DefaultSteps = steps,
            DefaultGuidanceScale = scale,
            Configs = new Dictionary<string, JsonObject>(StringComparer.Ordinal)
            {
                ["transformer"] = new JsonObject
                {
                    ["_class_name"] = "FluxTransformer2DModel",
                    ["in_channels"] = channels,
                    ["out_channels"] = 64,
                    ["num_layers"] = 19,
                    ["num_single_layers"] = 38,
                    ["attention_head_dim"] = 128,
                    ["num_attention_heads"] = 24,
                    ["joint_attention_dim"] = 4096,
                    ["pooled_projection_dim"] = 768,
                    ["guidance_embeds"] = guidance,
                    ["axes_dims_rope"] = new JsonArray(16, 56, 56),
                },
                ["vae"] = With(
                    Vae(scale: 0.3611, sampleSize: 1024),
                    ("shift_factor", 0.1159),
                    ("latent_channels", 16),
                    ("use_quant_conv", false),
                    ("use_post_quant_conv", false)
                ),
                ["text_encoder"] = ClipL(),
                ["scheduler"] = new JsonObject
                {
                    ["_class_name"] = "FlowMatchEulerDiscreteScheduler",
                    ["num_train_timesteps"] = 1000,
                    ["shift"] = dynamicShift ? 3.0 : 1.0,
                    ["use_dynamic_shifting"] = dynamicShift,
                    ["base_shift"] = 0.5,
                    ["max_shift"] = 1.15,
                    ["base_image_seq_len"] = 256,
                    ["max_image_seq_len"] = 4096,
                },
            },
        };

    private static JsonObject With(JsonObject config, params (string Name, JsonNode Value)[] more)
    {
        JsonObject copy = config.DeepClone().AsObject();
        foreach ((string name, JsonNode value) in more)
        {
            copy[name] = value;
        }

        return copy;
    }

    private static JsonArray Array(IEnumerable<string> values) => new([.. values.Select(value => (JsonNode)value)]);
}
