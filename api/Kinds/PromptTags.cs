using System.Globalization;
using System.Text.RegularExpressions;
using Generation.Api.Web;

namespace Generation.Api.Kinds;

/// <summary>A LoRA that a tag in a prompt names.</summary>
/// <param name="Tag">The tag as it stands in the prompt, for messages.</param>
/// <param name="Name">The LoRA's name.</param>
/// <param name="Scale">Strength on the UNet or transformer.</param>
/// <param name="TextEncoderScale">Strength on the text encoders.</param>
internal sealed record LoraTag(string Tag, string Name, double Scale, double TextEncoderScale);

/// <summary>
/// The tags of AUTOMATIC1111's web UI for what a prompt lays over the model: <c>&lt;lora:NAME:0.8&gt;</c>, with a second number where
/// the UNet's strength differs from the text encoders', which comes first; or <c>te=</c> and <c>unet=</c>. <c>lyco</c> means the same.
/// (modules/extra_networks.py and extensions-builtin/Lora/extra_networks_lora.py of that project.)
/// </summary>
internal static partial class PromptTags
{
    private static readonly string[] LoraTypes = ["lora", "lyco"];

    /// <summary>Takes the tags of LoRAs out of a prompt.</summary>
    /// <param name="field">The prompt's field, for errors.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="errors">Takes what is wrong with a tag.</param>
    /// <returns>The prompt without them, and the LoRAs in the order in which they stand there.</returns>
    public static (string Prompt, IReadOnlyList<LoraTag> Loras) TakeLoras(string field, string prompt, FieldErrors errors)
    {
        // One that is too long is refused for that
        if (!prompt.Contains('<') || prompt.Length > RequestChecks.MaxPromptLength)
        {
            return (prompt, []);
        }

        var loras = new List<LoraTag>();
        string rest = Tag()
            .Replace(prompt, match =>
            {
                string type = match.Groups["type"].Value.ToLowerInvariant();
                if (LoraTypes.Contains(type))
                {
                    if (Read(match) is { } lora)
                    {
                        loras.Add(lora);
                    }
                    else
                    {
                        errors.Add(
                            field,
                            $"{ErrorText.Shown(match.Value)} cannot be read; a LoRA is written <lora:NAME:0.8>, or "
                                + "<lora:NAME:te=0.5:unet=0.8>"
                        );
                    }

                    return "";
                }

                if (type == "hypernet")
                {
                    errors.Add(field, $"{ErrorText.Shown(match.Value)} names a hypernetwork, and there are none here; take it out");
                    return "";
                }

                return match.Value;
            });
        return loras.Count == 0 && rest.Length == prompt.Length ? (prompt, loras) : (rest.Trim(), loras);
    }

    private static LoraTag? Read(Match match)
    {
        string[] parts = match.Groups["rest"].Value.Split(':');
        string[] positional = [.. parts.Where(part => !part.Contains('='))];
        if (positional.Length is < 1 or > 3 || positional[0].Trim() is not { Length: > 0 } name)
        {
            return null;
        }

        double? text = positional.Length > 1 ? Number(positional[1]) : 1;
        double? denoiser = positional.Length > 2 ? Number(positional[2]) : null;
        if (positional.Length > 2 && denoiser is null)
        {
            return null;
        }

        foreach (string[] named in parts.Where(part => part.Contains('=')).Select(part => part.Split('=', 2)))
        {
            double? value = Number(named[1]);
            switch (named[0].Trim())
            {
                case "te":
                    text = value;
                    break;
                case "unet" when value is not null:
                    denoiser = value;
                    break;
                default:
                    return null;
            }
        }

        return text is { } te ? new LoraTag(match.Value, name, denoiser ?? te, te) : null;
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? number
            : null;

    [GeneratedRegex(@"<(?<type>\w+):(?<rest>[^<>]+)>", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Tag();
}
