using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.StableDiffusion;

/// <summary>
/// The keys of the UNet and ControlNet of the original latent diffusion code, which has one flat list of blocks for the down path and one
/// for the up path, where diffusers numbers blocks, resnets and attentions. Keys are relative to model.diffusion_model or control_model.
/// Source: https://github.com/CompVis/latent-diffusion, ldm/modules/diffusionmodules/openaimodel.py; cldm/cldm.py of
/// https://github.com/lllyasviel/ControlNet
/// </summary>
internal static class LdmUNetKeys
{
    private static readonly KeyMap Fixed = new(
        (@"time_embed\.0\.(\w+)", "time_embedding.linear_1.$1"),
        (@"time_embed\.2\.(\w+)", "time_embedding.linear_2.$1"),
        (@"label_emb\.0\.0\.(\w+)", "add_embedding.linear_1.$1"),
        (@"label_emb\.0\.2\.(\w+)", "add_embedding.linear_2.$1"),
        (@"label_emb\.weight", "class_embedding.weight"),
        (@"out\.0\.(\w+)", "conv_norm_out.$1"),
        (@"out\.2\.(\w+)", "conv_out.$1"),
        (@"zero_convs\.(\d+)\.0\.(\w+)", "controlnet_down_blocks.$1.$2"),
        (@"middle_block_out\.0\.(\w+)", "controlnet_mid_block.$1")
    );

    private static readonly KeyMap Resnet = new(
        (@"in_layers\.0\.(\w+)", "norm1.$1"),
        (@"in_layers\.2\.(\w+)", "conv1.$1"),
        (@"emb_layers\.1\.(\w+)", "time_emb_proj.$1"),
        (@"out_layers\.0\.(\w+)", "norm2.$1"),
        (@"out_layers\.3\.(\w+)", "conv2.$1"),
        (@"skip_connection\.(\w+)", "conv_shortcut.$1")
    );

    /// <summary>The new names of keys relative to the network's root. Keys that are not known are absent.</summary>
    public static Dictionary<string, string> Map(IReadOnlyCollection<string> keys)
    {
        // "input_blocks.4.1" -> "down_blocks.1.attentions.0"
        Dictionary<string, string> places = Places(keys);
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        string[] hints =
        [
            .. keys.Where(key => key.StartsWith("input_hint_block.", StringComparison.Ordinal))
                .Select(key => Part(key, 1))
                .Distinct()
                .OrderBy(int.Parse),
        ];
        foreach (string key in keys)
        {
            string[] parts = key.Split('.');
            string? name = null;
            if (parts.Length > 3 && places.TryGetValue($"{parts[0]}.{parts[1]}.{parts[2]}", out string? place))
            {
                name = Inner(place, string.Join('.', parts[3..]));
            }
            else if (parts.Length > 2 && places.TryGetValue($"{parts[0]}.{parts[1]}", out place))
            {
                name = Inner(place, string.Join('.', parts[2..]));
            }
            else if (parts[0] == "input_hint_block" && parts.Length == 3)
            {
                int at = Array.IndexOf(hints, parts[1]);
                string convolution =
                    at == 0 ? "conv_in"
                    : at == hints.Length - 1 ? "conv_out"
                    : $"blocks.{at - 1}";
                name = $"controlnet_cond_embedding.{convolution}.{parts[2]}";
            }

            name ??= Fixed.Rename(key);
            if (name is not null)
            {
                names.Add(key, name);
            }
        }

        return names;
    }

    private static Dictionary<string, string> Places(IReadOnlyCollection<string> keys)
    {
        var places = new Dictionary<string, string>(StringComparer.Ordinal) { ["input_blocks.0.0"] = "conv_in" };
        HashSet<string> starts = [.. keys.Where(key => key.Contains("_block", StringComparison.Ordinal)).SelectMany(key => Prefixes(key))];
        int block = 0;
        int layer = 0;
        for (int i = 1; starts.Contains($"input_blocks.{i}"); i++)
        {
            if (starts.Contains($"input_blocks.{i}.0.op"))
            {
                places[$"input_blocks.{i}.0"] = $"down_blocks.{block}.downsamplers.0";
                (block, layer) = (block + 1, 0);
                continue;
            }

            places[$"input_blocks.{i}.0"] = $"down_blocks.{block}.resnets.{layer}";
            places[$"input_blocks.{i}.1"] = $"down_blocks.{block}.attentions.{layer}";
            layer++;
        }

        int resnets = 0;
        int attentions = 0;
        for (int i = 0; starts.Contains($"middle_block.{i}"); i++)
        {
            places[$"middle_block.{i}"] = starts.Contains($"middle_block.{i}.in_layers")
                ? $"mid_block.resnets.{resnets++}"
                : $"mid_block.attentions.{attentions++}";
        }

        (block, layer) = (0, 0);
        for (int i = 0; starts.Contains($"output_blocks.{i}"); i++)
        {
            bool upsampled = false;
            places[$"output_blocks.{i}.0"] = $"up_blocks.{block}.resnets.{layer}";
            for (int j = 1; starts.Contains($"output_blocks.{i}.{j}"); j++)
            {
                bool upsampler = starts.Contains($"output_blocks.{i}.{j}.conv");
                places[$"output_blocks.{i}.{j}"] = upsampler ? $"up_blocks.{block}.upsamplers.0" : $"up_blocks.{block}.attentions.{layer}";
                upsampled |= upsampler;
            }

            (block, layer) = upsampled ? (block + 1, 0) : (block, layer + 1);
        }

        return places;
    }

    private static string? Inner(string place, string rest) =>
        place switch
        {
            _ when place.Contains(".resnets.", StringComparison.Ordinal) => Resnet.Rename(rest) is { } name ? $"{place}.{name}" : null,
            _ when place.Contains(".downsamplers.", StringComparison.Ordinal) => rest.StartsWith("op.", StringComparison.Ordinal)
                ? $"{place}.conv.{rest[3..]}"
                : null,
            _ => $"{place}.{rest}",
        };

    private static IEnumerable<string> Prefixes(string key)
    {
        for (int dot = key.IndexOf('.'); dot >= 0; dot = key.IndexOf('.', dot + 1))
        {
            yield return key[..dot];
        }
    }

    private static string Part(string key, int index) => key.Split('.')[index];
}
