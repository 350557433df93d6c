using System.Globalization;
using System.Text.RegularExpressions;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Files;

/// <summary>
/// The keys of the autoencoder of the original latent diffusion code, which numbers the decoder's stages from the picture on, where
/// diffusers numbers them from the latents on. Source: https://github.com/CompVis/latent-diffusion, ldm/modules/diffusionmodules/model.py
/// </summary>
internal static partial class LdmVaeKeys
{
    private static readonly KeyMap Inner = new(
        (@"(en|de)coder\.mid\.block_1\.(.+)", "$1coder.mid_block.resnets.0.$2"),
        (@"(en|de)coder\.mid\.block_2\.(.+)", "$1coder.mid_block.resnets.1.$2"),
        (@"(en|de)coder\.mid\.attn_1\.(group_)?norm\.(\w+)", "$1coder.mid_block.attentions.0.group_norm.$3"),
        (@"(en|de)coder\.mid\.attn_1\.([qkv])\.(\w+)", "$1coder.mid_block.attentions.0.to_$2.$3"),
        (@"(en|de)coder\.mid\.attn_1\.proj_out\.(\w+)", "$1coder.mid_block.attentions.0.to_out.0.$2"),
        // diffusers' converter back to the original form has its own names here
        (@"(en|de)coder\.mid\.attn_1\.to_([qkv])\.(\w+)", "$1coder.mid_block.attentions.0.to_$2.$3"),
        (@"(en|de)coder\.mid\.attn_1\.to_out\.0\.(\w+)", "$1coder.mid_block.attentions.0.to_out.0.$2"),
        (@"(en|de)coder\.norm_out\.(\w+)", "$1coder.conv_norm_out.$2"),
        (@"(en|de)coder\.conv_(in|out)\.(\w+)", "$1coder.conv_$2.$3"),
        (@"encoder\.down\.(\d+)\.block\.(\d+)\.nin_shortcut\.(\w+)", "encoder.down_blocks.$1.resnets.$2.conv_shortcut.$3"),
        (@"encoder\.down\.(\d+)\.block\.(\d+)\.(.+)", "encoder.down_blocks.$1.resnets.$2.$3"),
        (@"encoder\.down\.(\d+)\.downsample\.conv\.(\w+)", "encoder.down_blocks.$1.downsamplers.0.conv.$2"),
        (@"decoder\.up\.(\d+)\.block\.(\d+)\.nin_shortcut\.(\w+)", "decoder.up_blocks.$1.resnets.$2.conv_shortcut.$3"),
        (@"decoder\.up\.(\d+)\.block\.(\d+)\.(.+)", "decoder.up_blocks.$1.resnets.$2.$3"),
        (@"decoder\.up\.(\d+)\.upsample\.conv\.(\w+)", "decoder.up_blocks.$1.upsamplers.0.conv.$2"),
        (@"(post_)?quant_conv\.(\w+)", "$1quant_conv.$2")
    );

    /// <summary>The new names of keys relative to the autoencoder's root. Keys that are not known are absent.</summary>
    public static Dictionary<string, WeightPiece> Map(IReadOnlyCollection<string> keys, string prefix)
    {
        int top = keys.Select(key => UpStage().Match(key))
            .Where(match => match.Success)
            .Select(match => int.Parse(match.Groups["stage"].Value, CultureInfo.InvariantCulture))
            .DefaultIfEmpty(0)
            .Max();
        var pieces = new Dictionary<string, WeightPiece>(StringComparer.Ordinal);
        foreach (string key in keys)
        {
            string counted = UpStage()
                .Replace(key, match => $"decoder.up.{top - int.Parse(match.Groups["stage"].Value, CultureInfo.InvariantCulture)}.");
            if (Inner.Rename(counted) is { } name)
            {
                // The original's attention is made of 1x1 convolutions, diffusers' of matrices.
                pieces.Add(name, new WeightPiece(prefix + key) { Squeezed = name.Contains(".attentions.", StringComparison.Ordinal) });
            }
        }

        return pieces;
    }

    [GeneratedRegex(
        @"^decoder\.up\.(?<stage>\d+)\.",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex UpStage();
}
