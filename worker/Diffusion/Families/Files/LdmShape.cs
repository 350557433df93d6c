using Generation.Diffusion.Adapters;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Files;

/// <summary>What the shapes of a UNet or a control network in the original key names tell about it.</summary>
/// <param name="Channels">The number of channels of the first block.</param>
/// <param name="Inputs">The number of channels that it takes: latents, and what is concatenated to them.</param>
/// <param name="PromptFeatures">The number of features of each token of the prompt; null where it takes no prompt.</param>
internal sealed record LdmShape(int Channels, int Inputs, int? PromptFeatures)
{
    /// <summary>Reads the shapes. Null where the checkpoint has neither network.</summary>
    public static LdmShape? Of(WeightSource source, IReadOnlyDictionary<string, CheckpointPart> parts)
    {
        if (!parts.TryGetValue("unet", out CheckpointPart? unet) && !parts.TryGetValue("controlnet", out unet))
        {
            return null;
        }

        string first = unet.Prefix + "input_blocks.0.0.weight";
        long[] input = source.Has(first) ? source.Entry(first).Shape : [0, 0];
        string? prompt = source.Names.FirstOrDefault(name =>
            name.StartsWith(unet.Prefix, StringComparison.Ordinal) && name.EndsWith(".attn2.to_k.weight", StringComparison.Ordinal)
        );
        return new LdmShape((int)input[0], (int)input[1], prompt is null ? null : (int)source.Entry(prompt).Shape[1]);
    }

    /// <summary>Whether a model's UNet takes more channels than the latents of one picture have.</summary>
    /// <exception cref="WeightsException">A config is missing, or cannot be read.</exception>
    public static bool SeesMask(ModelFiles files)
    {
        int latents = files.Number("vae", "latent_channels", 4);
        return files.Number("unet", "in_channels", latents) > latents;
    }

    /// <summary>Sizes of a UNet and the text encoders beside it, as far as the model has them.</summary>
    /// <exception cref="WeightsException">A config is not there, or cannot be read.</exception>
    public static AdapterWidths Widths(ModelFiles files) =>
        new()
        {
            Denoiser = "unet",
            Context = files.NumberOrNull("unet", "cross_attention_dim"),
            Depth = files.NumberOrNull("unet", "transformer_layers_per_block") ?? 1,
            Text = files.NumberOrNull("text_encoder", "hidden_size"),
            Text2 = files.NumberOrNull("text_encoder_2", "hidden_size"),
        };
}
