using System.Text.Json.Nodes;

namespace Generation.Diffusion.Families.Files;

/// <summary>Configs of components that published models of several families share.</summary>
internal static class PublishedConfigs
{
    /// <summary>The noise schedule that all generations of Stable Diffusion were trained on.</summary>
    public static JsonObject ScaledLinear { get; } =
        new()
        {
            ["beta_start"] = 0.00085,
            ["beta_end"] = 0.012,
            ["beta_schedule"] = "scaled_linear",
            ["num_train_timesteps"] = 1000,
            ["steps_offset"] = 1,
        };

    /// <summary>An autoencoder with four latent channels, whose latents have an eighth of the picture's width and height.</summary>
    public static JsonObject Vae(double scale, int sampleSize) =>
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

    /// <summary>CLIP ViT-L/14, the text encoder of Stable Diffusion 1, and the first one of SDXL and FLUX.</summary>
    public static JsonObject ClipL() =>
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

    /// <summary>A text encoder of OpenCLIP.</summary>
    public static JsonObject OpenClip(int width, int layers, int heads, int projection) =>
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

    /// <summary>Returns a copy with some fields set.</summary>
    public static JsonObject With(JsonObject config, params (string Name, JsonNode Value)[] more)
    {
        JsonObject copy = config.DeepClone().AsObject();
        foreach ((string name, JsonNode value) in more)
        {
            copy[name] = value;
        }

        return copy;
    }

    /// <summary>Returns strings as a JSON array.</summary>
    public static JsonArray Array(IEnumerable<string> values) => new([.. values.Select(value => (JsonNode)value)]);
}
