using System.Globalization;
using System.Text.RegularExpressions;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Adapters;

/// <summary>
/// What the names and shapes in a LoRA file, and the metadata of its trainer, say about the models that it is for. Each mark may be
/// missing, because a LoRA need not change the layer that would show it; a missing mark excludes no model.
/// </summary>
/// <param name="Denoiser">The network that it changes, unet or transformer; null if it changes only text encoders.</param>
/// <param name="Context">The number of features of a prompt token in cross attention: 768 in Stable Diffusion 1.x.</param>
/// <param name="Text">The number of features of a token in the first text encoder.</param>
/// <param name="Text2">The number of features of a token in the second text encoder.</param>
/// <param name="HasText">Whether it changes the first text encoder.</param>
/// <param name="HasText2">Whether it changes the second text encoder.</param>
/// <param name="Depth">The least number of transformer blocks in one attention of the UNet.</param>
/// <param name="Architecture">The trainer's name for the model; null if the file has none.</param>
public sealed partial record LoraMarks(
    string? Denoiser,
    long? Context,
    long? Text,
    long? Text2,
    bool HasText,
    bool HasText2,
    int Depth,
    string? Architecture
)
{
    private static readonly string[] ArchitectureKeys = ["modelspec.architecture", "ss_base_model_version"];

    /// <summary>Finds the marks of a file without reading its tensors.</summary>
    public static LoraMarks Of(SafetensorsFile file)
    {
        var marks = new LoraMarks(null, null, null, null, false, false, 0, null);
        foreach (string key in file.Names)
        {
            if (LoraKeys.Parse(key) is { } parsed)
            {
                marks = marks.With(
                    parsed.Network,
                    parsed.Layer.Replace('.', '_'),
                    parsed.Part == LoraPart.Down ? file.Entry(key).Shape : null
                );
            }
        }

        string? architecture = ArchitectureKeys
            .Select(key => file.Metadata.GetValueOrDefault(key))
            .FirstOrDefault(text => !string.IsNullOrWhiteSpace(text));
        return marks with { Architecture = architecture };
    }

    /// <summary>Whether the LoRA may be for a model: no mark excludes it.</summary>
    public bool Fits(AdapterWidths model) =>
        (Denoiser is null || Denoiser == model.Denoiser)
        && (Context is null || Context == model.Context)
        && (!HasText || model.Text is not null)
        && (!HasText2 || model.Text2 is not null)
        && (Text is null || Text == model.Text)
        && (Text2 is null || Text2 == model.Text2)
        && Depth <= model.Depth;

    private LoraMarks With(string network, string layer, long[]? down)
    {
        long? inputs = down is { Length: >= 2 } ? down[1] : null;
        if (network != LoraKeys.Denoiser)
        {
            long? width = IsOfTextWidth(layer) ? inputs : null;
            return network == "text_encoder"
                ? this with
                {
                    HasText = true,
                    Text = Text ?? width,
                }
                : this with
                {
                    HasText2 = true,
                    Text2 = Text2 ?? width,
                };
        }

        if (LoraKeys.TransformerRoots.Any(root => layer.StartsWith(root.Replace('.', '_'), StringComparison.Ordinal)))
        {
            return this with { Denoiser = "transformer" };
        }

        bool readsPrompt = layer.EndsWith("attn2_to_k", StringComparison.Ordinal) || layer.EndsWith("attn2_to_v", StringComparison.Ordinal);
        int block =
            InnerBlock().Match(layer) is { Success: true } inner
            && int.TryParse(inner.Groups["block"].ValueSpan, CultureInfo.InvariantCulture, out int index)
                ? index
                : -1;
        return this with
        {
            Denoiser = Denoiser ?? "unet",
            Context = Context ?? (readsPrompt ? inputs : null),
            Depth = Math.Max(Depth, block + 1),
        };
    }

    // Layers that take a token as it is: CLIP's attention and first feed-forward layer, T5's attention
    private static bool IsOfTextWidth(string layer) =>
        layer.EndsWith("_q_proj", StringComparison.Ordinal)
        || layer.EndsWith("_k_proj", StringComparison.Ordinal)
        || layer.EndsWith("_v_proj", StringComparison.Ordinal)
        || layer.EndsWith("_mlp_fc1", StringComparison.Ordinal)
        || layer.EndsWith("_SelfAttention_q", StringComparison.Ordinal)
        || layer.EndsWith("_SelfAttention_k", StringComparison.Ordinal)
        || layer.EndsWith("_SelfAttention_v", StringComparison.Ordinal);

    [GeneratedRegex(@"_transformer_blocks_(?<block>\d+)_", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex InnerBlock();
}
