using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Tests.Networks;

/// <summary>
/// What the published repositories' config.json files say, where it is not the reference's default:
/// stable-diffusion-v1-5, stable-diffusion-inpainting, instruct-pix2pix, stable-diffusion-2-1, stable-diffusion-xl-base-1.0,
/// sd-controlnet-canny, FLUX.1-schnell, FLUX.1-dev, FLUX.1-Fill-dev.
/// </summary>
internal static class RealConfigs
{
    private const string Sd15UNet = """{"cross_attention_dim": 768, "attention_head_dim": 8, "in_channels": IN_CHANNELS}""";

    private const string Sd21UNet =
        """{"cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": true, "upcast_attention": true}""";

    private const string SdxlUNet = """
        {
          "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
          "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
          "block_out_channels": [320, 640, 1280], "transformer_layers_per_block": [1, 2, 10], "attention_head_dim": [5, 10, 20],
          "cross_attention_dim": 2048, "use_linear_projection": true, "addition_embed_type": "text_time",
          "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816
        }
        """;

    private const string ClipL =
        """{"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "projection_dim": 768}""";

    private const string OpenClipH = """
        {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16, "hidden_act": "gelu",
        "projection_dim": 512}
        """;

    private const string OpenClipG = """
        {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20, "hidden_act": "gelu",
        "projection_dim": 1280}
        """;

    private const string Vae4 = """
        {
          "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "latent_channels": 4,
          "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
          "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]
        }
        """;

    private const string Flux = """{"guidance_embeds": GUIDANCE, "in_channels": IN_CHANNELS, "out_channels": 64}""";

    /// <summary>The component of the family, from its real config.</summary>
    public static Network Build(string family, string component, NetworkWeights weights) =>
        component switch
        {
            "unet" => new UNet2DConditionModel(ConfigJson.Parse<UNetConfig>(UNet(family)), weights),
            "vae" => new AutoencoderKL(ConfigJson.Parse<AutoencoderConfig>(Vae(family)), weights),
            "text_encoder" => new CLIPTextModel(ConfigJson.Parse<ClipTextConfig>(family == "sd21" ? OpenClipH : ClipL), weights),
            "text_encoder_2" => new CLIPTextModel(ConfigJson.Parse<ClipTextConfig>(OpenClipG), weights),
            "controlnet" => new ControlNetModel(ConfigJson.Parse<ControlNetConfig>("""{"cross_attention_dim": 768}"""), weights),
            "transformer" => new FluxTransformer2DModel(ConfigJson.Parse<FluxConfig>(Transformer(family)), weights),
            _ => throw new ArgumentException($"No config is known for {family}'s {component}", nameof(component)),
        };

    private static string UNet(string family) =>
        family switch
        {
            "sd15" => Sd15UNet.Replace("IN_CHANNELS", "4", StringComparison.Ordinal),
            "sd15_inpaint" => Sd15UNet.Replace("IN_CHANNELS", "9", StringComparison.Ordinal),
            "instruct_pix2pix" => Sd15UNet.Replace("IN_CHANNELS", "8", StringComparison.Ordinal),
            "sd21" => Sd21UNet,
            "sdxl" => SdxlUNet,
            _ => throw new ArgumentException($"No config is known for {family}'s UNet", nameof(family)),
        };

    private static string Vae(string family) =>
        family == "flux_vae"
            ? Vae4.Replace(
                "\"latent_channels\": 4",
                "\"latent_channels\": 16, \"use_quant_conv\": false, \"use_post_quant_conv\": false, \"shift_factor\": 0.1159, "
                    + "\"scaling_factor\": 0.3611",
                StringComparison.Ordinal
            )
            : Vae4;

    private static string Transformer(string family) =>
        Flux.Replace("GUIDANCE", family == "flux_schnell" ? "false" : "true", StringComparison.Ordinal)
            .Replace("IN_CHANNELS", family == "flux_fill" ? "384" : "64", StringComparison.Ordinal);
}
