using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Flux;

/// <summary>
/// The keys of FLUX's transformer in its authors' code, which has query, key and value (and in single blocks the input of the MLP) in one
/// matrix. Source: https://github.com/black-forest-labs/flux, src/flux/modules/layers.py
/// </summary>
internal static class FluxKeys
{
    private static readonly KeyMap Names = new(
        (@"time_in\.in_layer\.(\w+)", "time_text_embed.timestep_embedder.linear_1.$1"),
        (@"time_in\.out_layer\.(\w+)", "time_text_embed.timestep_embedder.linear_2.$1"),
        (@"vector_in\.in_layer\.(\w+)", "time_text_embed.text_embedder.linear_1.$1"),
        (@"vector_in\.out_layer\.(\w+)", "time_text_embed.text_embedder.linear_2.$1"),
        (@"guidance_in\.in_layer\.(\w+)", "time_text_embed.guidance_embedder.linear_1.$1"),
        (@"guidance_in\.out_layer\.(\w+)", "time_text_embed.guidance_embedder.linear_2.$1"),
        (@"txt_in\.(\w+)", "context_embedder.$1"),
        (@"img_in\.(\w+)", "x_embedder.$1"),
        (@"double_blocks\.(\d+)\.img_mod\.lin\.(\w+)", "transformer_blocks.$1.norm1.linear.$2"),
        (@"double_blocks\.(\d+)\.txt_mod\.lin\.(\w+)", "transformer_blocks.$1.norm1_context.linear.$2"),
        (@"double_blocks\.(\d+)\.img_attn\.norm\.query_norm\.scale", "transformer_blocks.$1.attn.norm_q.weight"),
        (@"double_blocks\.(\d+)\.img_attn\.norm\.key_norm\.scale", "transformer_blocks.$1.attn.norm_k.weight"),
        (@"double_blocks\.(\d+)\.txt_attn\.norm\.query_norm\.scale", "transformer_blocks.$1.attn.norm_added_q.weight"),
        (@"double_blocks\.(\d+)\.txt_attn\.norm\.key_norm\.scale", "transformer_blocks.$1.attn.norm_added_k.weight"),
        (@"double_blocks\.(\d+)\.img_attn\.proj\.(\w+)", "transformer_blocks.$1.attn.to_out.0.$2"),
        (@"double_blocks\.(\d+)\.txt_attn\.proj\.(\w+)", "transformer_blocks.$1.attn.to_add_out.$2"),
        (@"double_blocks\.(\d+)\.img_mlp\.0\.(\w+)", "transformer_blocks.$1.ff.net.0.proj.$2"),
        (@"double_blocks\.(\d+)\.img_mlp\.2\.(\w+)", "transformer_blocks.$1.ff.net.2.$2"),
        (@"double_blocks\.(\d+)\.txt_mlp\.0\.(\w+)", "transformer_blocks.$1.ff_context.net.0.proj.$2"),
        (@"double_blocks\.(\d+)\.txt_mlp\.2\.(\w+)", "transformer_blocks.$1.ff_context.net.2.$2"),
        (@"single_blocks\.(\d+)\.modulation\.lin\.(\w+)", "single_transformer_blocks.$1.norm.linear.$2"),
        (@"single_blocks\.(\d+)\.linear2\.(\w+)", "single_transformer_blocks.$1.proj_out.$2"),
        (@"single_blocks\.(\d+)\.norm\.query_norm\.scale", "single_transformer_blocks.$1.attn.norm_q.weight"),
        (@"single_blocks\.(\d+)\.norm\.key_norm\.scale", "single_transformer_blocks.$1.attn.norm_k.weight"),
        (@"final_layer\.linear\.(\w+)", "proj_out.$1"),
        (@"final_layer\.adaLN_modulation\.1\.(\w+)", "norm_out.linear.$1")
    );

    private static readonly (KeyMap Map, string[] Parts)[] Joined =
    [
        (new KeyMap((@"double_blocks\.(\d+)\.img_attn\.qkv\.(\w+)", "transformer_blocks.$1.attn.{0}.$2")), ["to_q", "to_k", "to_v"]),
        (
            new KeyMap((@"double_blocks\.(\d+)\.txt_attn\.qkv\.(\w+)", "transformer_blocks.$1.attn.{0}.$2")),
            ["add_q_proj", "add_k_proj", "add_v_proj"]
        ),
        (
            new KeyMap((@"single_blocks\.(\d+)\.linear1\.(\w+)", "single_transformer_blocks.$1.{0}.$2")),
            ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"]
        ),
    ];

    /// <summary>The new names of keys relative to the transformer's root.</summary>
    public static Dictionary<string, WeightPiece> Map(WeightSource source, IReadOnlyCollection<string> keys, string prefix)
    {
        long width = source.Entry(prefix + "img_in.weight").Shape[0];
        var pieces = new Dictionary<string, WeightPiece>(StringComparer.Ordinal);
        foreach (string key in keys)
        {
            if (Names.Rename(key) is { } name)
            {
                pieces.Add(
                    name,
                    new WeightPiece(prefix + key)
                    {
                        // shift and scale stand the other way round
                        Rows = name.StartsWith("norm_out.linear.", StringComparison.Ordinal) ? [(width, width), (0, width)] : null,
                    }
                );
                continue;
            }

            foreach ((KeyMap map, string[] parts) in Joined)
            {
                if (map.Rename(key) is not { } joined)
                {
                    continue;
                }

                long rows = source.Entry(prefix + key).Shape[0];
                for (int part = 0; part < parts.Length; part++)
                {
                    long count = part < 3 ? width : rows - (3 * width);
                    pieces.Add(
                        joined.Replace("{0}", parts[part], StringComparison.Ordinal),
                        new WeightPiece(prefix + key) { Rows = [(part * width, count)] }
                    );
                }
            }
        }

        return pieces;
    }
}
