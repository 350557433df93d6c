using System.Globalization;
using System.Text.RegularExpressions;

namespace Generation.Diffusion.Adapters;

/// <summary>
/// A layer of our networks that is a part of a layer of the original code. In some of them the original stores the two halves in the other
/// order.
/// </summary>
internal sealed record LoraPartName(string Layer, bool SwapHalves = false);

/// <summary>The names that the original code of Stable Diffusion and FLUX has for the layers of our networks.</summary>
internal static partial class LoraOriginalNames
{
    private static readonly (string Ours, string Original)[] UNetPlaces =
    [
        ("conv_in", "input_blocks.0.0"),
        ("conv_out", "out.2"),
        ("time_embedding.linear_1", "time_embed.0"),
        ("time_embedding.linear_2", "time_embed.2"),
        ("add_embedding.linear_1", "label_emb.0.0"),
        ("add_embedding.linear_2", "label_emb.0.2"),
        ("mid_block.resnets.0", "middle_block.0"),
        ("mid_block.attentions.0", "middle_block.1"),
        ("mid_block.resnets.1", "middle_block.2"),
    ];

    private static readonly (string Ours, string Original)[] ResnetLayers =
    [
        ("conv1", "in_layers.2"),
        ("conv2", "out_layers.3"),
        ("time_emb_proj", "emb_layers.1"),
        ("conv_shortcut", "skip_connection"),
    ];

    private static readonly (string Original, string[] Ours)[] FluxDouble =
    [
        ("img_mod.lin", ["norm1.linear"]),
        ("txt_mod.lin", ["norm1_context.linear"]),
        ("img_attn.qkv", ["attn.to_q", "attn.to_k", "attn.to_v"]),
        ("txt_attn.qkv", ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"]),
        ("img_attn.proj", ["attn.to_out.0"]),
        ("txt_attn.proj", ["attn.to_add_out"]),
        ("img_mlp.0", ["ff.net.0.proj"]),
        ("img_mlp.2", ["ff.net.2"]),
        ("txt_mlp.0", ["ff_context.net.0.proj"]),
        ("txt_mlp.2", ["ff_context.net.2"]),
    ];

    private static readonly (string Original, string[] Ours)[] FluxSingle =
    [
        ("linear1", ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"]),
        ("linear2", ["proj_out"]),
        ("modulation.lin", ["norm.linear"]),
    ];

    private static readonly (string Original, string Ours)[] FluxPlaces =
    [
        ("img_in", "x_embedder"),
        ("txt_in", "context_embedder"),
        ("time_in.in_layer", "time_text_embed.timestep_embedder.linear_1"),
        ("time_in.out_layer", "time_text_embed.timestep_embedder.linear_2"),
        ("vector_in.in_layer", "time_text_embed.text_embedder.linear_1"),
        ("vector_in.out_layer", "time_text_embed.text_embedder.linear_2"),
        ("guidance_in.in_layer", "time_text_embed.guidance_embedder.linear_1"),
        ("guidance_in.out_layer", "time_text_embed.guidance_embedder.linear_2"),
        ("final_layer.linear", "proj_out"),
    ];

    /// <summary>The original name of a layer of a Stable Diffusion UNet; null where it has none.</summary>
    /// <param name="layer">Our name.</param>
    /// <param name="all">All layers of the network: the numbering depends on how many blocks there are.</param>
    public static string? OfUNet(string layer, IReadOnlyCollection<string> all)
    {
        foreach ((string? ours, string? original) in UNetPlaces)
        {
            if (layer == ours || layer.StartsWith(ours + ".", StringComparison.Ordinal))
            {
                return original + InPlace(layer[ours.Length..]);
            }
        }

        if (BlockPlace().Match(layer) is not { Success: true } match)
        {
            return null;
        }

        bool up = match.Groups["way"].Value == "up";
        int block = Number(match, "block");
        string kind = match.Groups["kind"].Value;
        int index = Number(match, "index");
        // Each down block is its resnets and a downsampler, each up block has one resnet more and its upsampler beside the last.
        int perBlock =
            all.Count(l =>
                l.StartsWith("down_blocks.0.resnets.", StringComparison.Ordinal) && l.EndsWith(".conv1", StringComparison.Ordinal)
            ) + 1;
        string rest = InPlace(match.Groups["rest"].Value);
        return (up, kind) switch
        {
            (false, "resnets") => $"input_blocks.{block * perBlock + index + 1}.0{rest}",
            (false, "attentions") => $"input_blocks.{block * perBlock + index + 1}.1{rest}",
            (false, "downsamplers") => $"input_blocks.{(block + 1) * perBlock}.0.op",
            (true, "resnets") => $"output_blocks.{block * perBlock + index}.0{rest}",
            (true, "attentions") => $"output_blocks.{block * perBlock + index}.1{rest}",
            (true, "upsamplers") => $"output_blocks.{block * perBlock + perBlock - 1}.{(HasAttention(block) ? 2 : 1)}.conv",
            _ => null,
        };

        bool HasAttention(int upBlock) => all.Any(l => l.StartsWith($"up_blocks.{upBlock}.attentions.", StringComparison.Ordinal));
    }

    /// <summary>The original names of the layers of a FLUX transformer, each with the layers of ours that it is made of.</summary>
    public static IEnumerable<(string Original, LoraPartName[] Parts)> OfFlux(IReadOnlyCollection<string> all)
    {
        var layers = all.ToHashSet(StringComparer.Ordinal);
        if (!layers.Contains("x_embedder"))
        {
            yield break;
        }

        foreach ((string? original, string? ours) in FluxPlaces)
        {
            if (layers.Contains(ours))
            {
                yield return (original, [new LoraPartName(ours)]);
            }
        }

        if (layers.Contains("norm_out.linear"))
        {
            // The original has shift before scale.
            yield return ("final_layer.adaLN_modulation.1", [new LoraPartName("norm_out.linear", SwapHalves: true)]);
        }

        foreach (
            (string? blocks, string? original, (string Original, string[] Ours)[]? parts) in new[]
            {
                ("transformer_blocks", "double_blocks", FluxDouble),
                ("single_transformer_blocks", "single_blocks", FluxSingle),
            }
        )
        {
            for (int i = 0; layers.Any(l => l.StartsWith($"{blocks}.{i}.", StringComparison.Ordinal)); i++)
            {
                foreach ((string? name, string[]? ours) in parts)
                {
                    string[] full = [.. ours.Select(o => $"{blocks}.{i}.{o}")];
                    if (full.All(layers.Contains))
                    {
                        yield return ($"{original}.{i}.{name}", [.. full.Select(f => new LoraPartName(f))]);
                    }
                }
            }
        }
    }

    // Within a resnet the original counts its layers; within an attention the names are the same.
    private static string InPlace(string rest)
    {
        foreach ((string? ours, string? original) in ResnetLayers)
        {
            if (rest == "." + ours)
            {
                return "." + original;
            }
        }

        return rest;
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(
        @"^(?<way>down|up)_blocks\.(?<block>\d+)\.(?<kind>resnets|attentions|downsamplers|upsamplers)\.(?<index>\d+)(?<rest>\..*)$",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex BlockPlace();
}
