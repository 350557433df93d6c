namespace Generation.Diffusion.Adapters;

/// <summary>What a key of a LoRA file holds.</summary>
internal enum LoraPart
{
    Down,
    Up,
    Mid,
    Alpha,
}

/// <summary>
/// The key styles of LoRA files, as data: kohya's (lora_unet_a_b.lora_down.weight), PEFT's as diffusers writes it (unet.a.b.lora_A.weight),
/// and the older ones of diffusers.
/// </summary>
internal static class LoraKeys
{
    /// <summary>The network that denoises, whatever its family calls it.</summary>
    public const string Denoiser = "unet or transformer";

    private static readonly (string Suffix, LoraPart Part)[] Suffixes =
    [
        (".lora_down.weight", LoraPart.Down),
        (".lora_up.weight", LoraPart.Up),
        (".lora_mid.weight", LoraPart.Mid),
        (".lora_A.weight", LoraPart.Down),
        (".lora_B.weight", LoraPart.Up),
        (".lora_A.default.weight", LoraPart.Down),
        (".lora_B.default.weight", LoraPart.Up),
        (".lora.down.weight", LoraPart.Down),
        (".lora.up.weight", LoraPart.Up),
        (".lora_linear_layer.down.weight", LoraPart.Down),
        (".lora_linear_layer.up.weight", LoraPart.Up),
        ("_lora.down.weight", LoraPart.Down),
        ("_lora.up.weight", LoraPart.Up),
        (".lora.alpha", LoraPart.Alpha),
        ("_lora.alpha", LoraPart.Alpha),
        (".alpha", LoraPart.Alpha),
    ];

    private static readonly (string Prefix, string Network)[] Prefixes =
    [
        ("lora_unet_", Denoiser),
        ("lora_transformer_", Denoiser),
        ("lora_te1_", "text_encoder"),
        ("lora_te2_", "text_encoder_2"),
        ("lora_te3_", "text_encoder_2"),
        ("lora_te_", "text_encoder"),
        ("unet.", Denoiser),
        ("transformer.", Denoiser),
        ("diffusion_model.", Denoiser),
        ("text_encoder_2.", "text_encoder_2"),
        ("text_encoder.", "text_encoder"),
        // The oldest files of diffusers have the UNet's layers without its name.
        ("down_blocks.", Denoiser),
        ("mid_block.", Denoiser),
        ("up_blocks.", Denoiser),
    ];

    /// <summary>Splits a key into network, layer and part; null where it is of no known style.</summary>
    public static (string Network, string Layer, LoraPart Part)? Parse(string key)
    {
        foreach ((string? suffix, LoraPart part) in Suffixes)
        {
            if (key.EndsWith(suffix, StringComparison.Ordinal) && ParseLayer(key[..^suffix.Length]) is { } found)
            {
                return (found.Network, found.Layer, part);
            }
        }

        return null;
    }

    private static (string Network, string Layer)? ParseLayer(string name)
    {
        foreach ((string? prefix, string? network) in Prefixes)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                string layer = prefix.Contains("block", StringComparison.Ordinal) ? name : name[prefix.Length..];
                // Attention processors once held the factors: attn1.processor.to_q_lora.
                return (network, layer.Replace(".processor.", ".", StringComparison.Ordinal));
            }
        }

        return null;
    }
}
