using System.Text.Json.Nodes;
using Generation.Diffusion.Adapters;
using Generation.Diffusion.Families.Files;
using Generation.Diffusion.Pipelines;
using Generation.Diffusion.Weights;
using static Generation.Diffusion.Families.Files.PublishedConfigs;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Flux;

/// <summary>
/// FLUX.1 (schnell, dev, Fill): a transformer over packed latents, with CLIP's pooled state of the prompt and T5's states of its tokens.
/// https://github.com/black-forest-labs/flux
/// </summary>
public sealed class FluxFamily : ModelFamily
{
    internal const PromptSyntax Syntax = PromptSyntax.Plain;

    private const string Name = "flux";

    private static readonly string[] TransformerPrefixes = ["", "model.diffusion_model."];

    /// <summary>FLUX.1 schnell, which was distilled to few steps without guidance.</summary>
    public static PublishedModel FluxSchnell { get; } =
        Of("flux-schnell", "FluxPipeline", guidance: false, channels: 64, dynamicShift: false);

    /// <summary>FLUX.1 dev, whose network takes the guidance scale as an input.</summary>
    public static PublishedModel FluxDev { get; } = Of("flux-dev", "FluxPipeline", guidance: true, channels: 64, dynamicShift: true);

    /// <summary>FLUX.1 Fill, whose transformer also takes the masked picture and the mask.</summary>
    public static PublishedModel FluxFill { get; } = Of("flux-fill", "FluxFillPipeline", guidance: true, channels: 384, dynamicShift: true);

    public override IReadOnlyList<PublishedModel> Published => [FluxSchnell, FluxDev, FluxFill];

    public override ScalarType PublishedDtype => ScalarType.BFloat16;

    // T5 was not made for weights
    public override PromptSyntax PromptSyntax => Syntax;

    public override bool Knows(ModelSource source) => source.Files.Has("transformer");

    public override DiffusionModel Load(ModelSource source, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        FluxModel.Load(source.Files, dtype, device);

    public override bool SeesMask(ModelFiles files)
    {
        // Four latents are one token
        int token = 4 * files.Number("vae", "latent_channels", 4);
        return files.Number("transformer", "in_channels", token) > token;
    }

    public override AdapterWidths Widths(ModelFiles files)
    {
        long? text = files.NumberOrNull("text_encoder", "hidden_size");
        return new AdapterWidths
        {
            Denoiser = "transformer",
            Text = text,
            Text2 = files.NumberOrNull("text_encoder_2", "d_model"),
            Embedding = text,
        };
    }

    public override IReadOnlyList<TextEncoderFiles> TextEncoders(ModelFiles files) =>
        [
            TextEncoderFiles.Clip(files, "text_encoder", "tokenizer"),
            new("text_encoder_2", IsT5: true, new FluxOptions().MaxSequenceLength, files.TokenizerFiles("tokenizer_2")),
        ];

    public override string? NameOf(LoraMarks lora) => lora.Denoiser == "transformer" ? Name : null;

    internal override IEnumerable<CheckpointPart> FindParts(WeightSource source)
    {
        if (TransformerPrefixes.FirstOrDefault(prefix => source.Has(prefix + "double_blocks.0.img_attn.qkv.weight")) is { } prefix)
        {
            yield return new CheckpointPart("transformer", prefix, (from, keys) => FluxKeys.Map(from, keys, prefix));
        }
    }

    internal override PublishedModel? Recognize(WeightSource source, IReadOnlyDictionary<string, CheckpointPart> parts)
    {
        if (!parts.TryGetValue("transformer", out CheckpointPart? part) || !source.Has(part.Prefix + "img_in.weight"))
        {
            return null;
        }

        long[] input = source.Entry(part.Prefix + "img_in.weight").Shape;
        return (input[0], input[1], source.Has(part.Prefix + "guidance_in.in_layer.weight")) switch
        {
            (3072, 64, false) => FluxSchnell,
            (3072, 64, true) => FluxDev,
            (3072, 384, true) => FluxFill,
            _ => null,
        };
    }

    private static PublishedModel Of(string name, string pipeline, bool guidance, int channels, bool dynamicShift) =>
        new()
        {
            Name = name,
            PipelineClass = pipeline,
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
}
