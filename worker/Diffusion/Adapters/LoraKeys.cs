using System.Text.RegularExpressions;

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
/// The key styles of LoRA files, as data: kohya's (lora_unet_a_b.lora_down.weight), PEFT's as it writes it itself
/// (base_model.model.a.b.lora_A.NAME.weight) and as diffusers does (unet.a.b.lora_A.weight), and the older ones of diffusers
/// (unet.a.processor.to_q_lora.down.weight). The name of the network may stand there twice or not at all.
/// </summary>
internal static partial class LoraKeys
{
    /// <summary>Stands for the denoising network, UNet or transformer: the keys of LoRA files do not always tell which of the two it is.</summary>
    public const string Denoiser = "unet or transformer";

    private const string TextEncoder = "text_encoder";
    private const string TextEncoder2 = "text_encoder_2";

    private static readonly (string Suffix, LoraPart Part)[] Suffixes =
    [
        (".lora_down.weight", LoraPart.Down),
        (".lora_up.weight", LoraPart.Up),
        (".lora_mid.weight", LoraPart.Mid),
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

    // What wraps a network in training; a name of its own tells nothing
    private static readonly string[] Wrappers = ["base_model.model.", "base_model.", "module.", "model."];

    private static readonly (string Prefix, string Network)[] Prefixes =
    [
        ("lora_unet_", Denoiser),
        ("lora_transformer_", Denoiser),
        ("lora_te1_", TextEncoder),
        ("lora_te2_", TextEncoder2),
        ("lora_te3_", TextEncoder2),
        ("lora_te_", TextEncoder),
        ("unet.", Denoiser),
        ("transformer.", Denoiser),
        ("diffusion_model.", Denoiser),
        ("text_encoder_2.", TextEncoder2),
        ("text_encoder.", TextEncoder),
    ];

    /// <summary>Where the layers of a transformer (FLUX) begin, by the names of diffusers and of the original code.</summary>
    internal static readonly string[] TransformerRoots =
    [
        "transformer_blocks.",
        "single_transformer_blocks.",
        "double_blocks.",
        "single_blocks.",
        "x_embedder",
        "context_embedder",
        "time_text_embed.",
        "norm_out.",
        "proj_out",
        "img_in",
        "txt_in",
        "time_in.",
        "vector_in.",
        "guidance_in.",
        "final_layer.",
    ];

    // The same of a UNet
    private static readonly string[] UNetRoots =
    [
        "down_blocks.",
        "mid_block.",
        "up_blocks.",
        "input_blocks.",
        "middle_block.",
        "output_blocks.",
        "conv_in",
        "conv_out",
        "time_embedding.",
        "add_embedding.",
        "time_embed.",
        "label_emb.",
    ];

    // Where a network's layers begin, for files that do not name the network
    private static readonly (string Root, string Network)[] Roots =
    [
        .. UNetRoots.Concat(TransformerRoots).Select(root => (root, Denoiser)),
        ("text_model.", TextEncoder),
    ];

    // Marks of adapters in keys, also of those that are no LoRA
    private static readonly (string Mark, string Name)[] OtherAdapters =
    [
        ("hada_", "LoHa"),
        ("lokr_", "LoKr"),
        ("dora_scale", "DoRA"),
        ("lora_magnitude_vector", "DoRA"),
        ("oft_", "OFT"),
        ("glora", "GLoRA"),
    ];

    private static readonly string[] Marks = ["lora_", ".lora", "_lora."];

    /// <summary>Splits a key into network, layer and part; null where it is of no known style.</summary>
    public static (string Network, string Layer, LoraPart Part)? Parse(string key)
    {
        if (PeftSuffix().Match(key) is { Success: true } peft)
        {
            LoraPart part = peft.Groups["side"].ValueSpan is "A" ? LoraPart.Down : LoraPart.Up;
            return ParseLayer(key[..peft.Index]) is { } layer ? (layer.Network, layer.Layer, part) : null;
        }

        foreach ((string suffix, LoraPart part) in Suffixes)
        {
            if (key.EndsWith(suffix, StringComparison.Ordinal) && ParseLayer(key[..^suffix.Length]) is { } found)
            {
                return (found.Network, found.Layer, part);
            }
        }

        return null;
    }

    /// <summary>Whether a file with this key is an adapter of any kind, even of one that cannot be read.</summary>
    public static bool IsOfAdapter(string key) =>
        Marks.Any(mark => key.Contains(mark, StringComparison.Ordinal)) || OtherAdapter(key) is not null || Parse(key) is not null;

    /// <summary>
    /// The kind of adapter that a key belongs to if that is not a LoRA (LoHa, LoKr, ...); null if it is no adapter's key.
    /// </summary>
    public static string? OtherAdapter(string key) =>
        OtherAdapters.FirstOrDefault(other => key.Contains(other.Mark, StringComparison.Ordinal)).Name;

    private static (string Network, string Layer)? ParseLayer(string name)
    {
        string? network = null;
        while (true)
        {
            if (Array.Find(Wrappers, wrapper => name.StartsWith(wrapper, StringComparison.Ordinal)) is { } wrapper)
            {
                name = name[wrapper.Length..];
            }
            else if (Array.Find(Prefixes, p => name.StartsWith(p.Prefix, StringComparison.Ordinal)) is { Prefix: not null } known)
            {
                network ??= known.Network;
                name = name[known.Prefix.Length..];
            }
            else
            {
                break;
            }
        }

        network ??= Array.Find(Roots, r => name.StartsWith(r.Root, StringComparison.Ordinal)).Network;
        // Attention processors once held the factors: attn1.processor.to_q_lora
        return network is null || name.Length == 0 ? null : (network, name.Replace(".processor.", ".", StringComparison.Ordinal));
    }

    // PEFT may have the adapter's name between: .lora_A.default_0.weight
    [GeneratedRegex(@"\.lora_(?<side>[AB])(\.[^.]+)?\.weight$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PeftSuffix();
}
