using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Files;

/// <summary>
/// The keys of OpenCLIP's text encoder (Stable Diffusion 2, SDXL's second), which has query, key and value in one matrix, and a text
/// projection that is multiplied from the right. Source: https://github.com/mlfoundations/open_clip, src/open_clip/transformer.py
/// </summary>
internal static class OpenClipKeys
{
    private static readonly KeyMap Names = new(
        (@"token_embedding\.weight", "text_model.embeddings.token_embedding.weight"),
        (@"positional_embedding", "text_model.embeddings.position_embedding.weight"),
        (@"transformer\.resblocks\.(\d+)\.ln_([12])\.(\w+)", "text_model.encoder.layers.$1.layer_norm$2.$3"),
        (@"transformer\.resblocks\.(\d+)\.attn\.out_proj\.(\w+)", "text_model.encoder.layers.$1.self_attn.out_proj.$2"),
        (@"transformer\.resblocks\.(\d+)\.mlp\.c_fc\.(\w+)", "text_model.encoder.layers.$1.mlp.fc1.$2"),
        (@"transformer\.resblocks\.(\d+)\.mlp\.c_proj\.(\w+)", "text_model.encoder.layers.$1.mlp.fc2.$2"),
        (@"transformer\.resblocks\.(\d+)\.attn\.in_proj_(\w+)", "text_model.encoder.layers.$1.self_attn.{0}_proj.$2"),
        (@"ln_final\.(\w+)", "text_model.final_layer_norm.$1"),
        (@"text_projection(\.weight)?", "text_projection.weight")
    );

    /// <summary>The new names of keys relative to the encoder's root.</summary>
    /// <param name="prefix">What the keys in <paramref name="source"/> begin with.</param>
    /// <param name="layers">The number of layers that are used: Stable Diffusion 2 leaves out the last of 24. Null for all.</param>
    /// <param name="projected">Whether the text projection is used.</param>
    public static Dictionary<string, WeightPiece> Map(
        WeightSource source,
        IReadOnlyCollection<string> keys,
        string prefix,
        int? layers,
        bool projected
    )
    {
        var pieces = new Dictionary<string, WeightPiece>(StringComparer.Ordinal);
        foreach (string key in keys)
        {
            if (
                Names.Rename(key) is not { } name
                || (layers is { } count && Layer(key) >= count)
                || (!projected && key.StartsWith("text_projection", StringComparison.Ordinal))
            )
            {
                continue;
            }

            if (name.Contains("{0}", StringComparison.Ordinal))
            {
                long third = source.Entry(prefix + key).Shape[0] / 3;
                for (int part = 0; part < 3; part++)
                {
                    pieces.Add(
                        name.Replace("{0}", "qkv"[part].ToString(), StringComparison.Ordinal),
                        new WeightPiece(prefix + key) { Rows = [(part * third, third)] }
                    );
                }
            }
            else
            {
                // x @ text_projection; where it is a layer of its own (".weight") it is stored as ours
                pieces.Add(name, new WeightPiece(prefix + key) { Transposed = key == "text_projection" });
            }
        }

        return pieces;
    }

    /// <summary>Whether a key belongs to the encoder and is deliberately not read.</summary>
    public static bool IsLeftOut(string key, int? layers, bool projected) =>
        key is "logit_scale" or "attn_mask"
        || (layers is { } count && Layer(key) >= count)
        || (!projected && key.StartsWith("text_projection", StringComparison.Ordinal));

    private static int Layer(string key) =>
        key.StartsWith("transformer.resblocks.", StringComparison.Ordinal) && int.TryParse(key.Split('.')[2], out int layer) ? layer : -1;
}
