using System.Text.Json;

namespace Generation.Tokenizers;

/// <summary>A token that is found in the text as a whole, before the vocabulary's own splitting.</summary>
/// <param name="Content">The text that it stands for.</param>
/// <param name="Special">Whether it is a special token of the model (begin, end, padding) and no text.</param>
/// <param name="Normalized">Whether it is looked for in the normalised text (for CLIP: in any case), and not in the text as given.</param>
/// <param name="SingleWord">Whether it is found only where no letter, digit or underscore touches it.</param>
/// <param name="StripLeft">Whether it takes the white space before it.</param>
/// <param name="StripRight">Whether it takes the white space after it.</param>
internal sealed record AddedToken(
    string Content,
    bool Special,
    bool Normalized,
    bool SingleWord = false,
    bool StripLeft = false,
    bool StripRight = false
)
{
    /// <summary>
    /// Reads an added token as tokenizer files have it: a string, or an object with content, special, normalized, lstrip, rstrip,
    /// single_word.
    /// </summary>
    public static AddedToken? Read(JsonElement element, bool special, bool normalizedByDefault)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                return new AddedToken(element.GetString()!, special, normalizedByDefault);
            case JsonValueKind.Object
                when element.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.String:
                bool isSpecial = Flag(element, "special", special);
                return new AddedToken(
                    content.GetString()!,
                    isSpecial,
                    Flag(element, "normalized", !isSpecial),
                    Flag(element, "single_word", false),
                    Flag(element, "lstrip", false),
                    Flag(element, "rstrip", false)
                );
            default:
                return null;
        }
    }

    private static bool Flag(JsonElement element, string name, bool otherwise) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : otherwise;
}
