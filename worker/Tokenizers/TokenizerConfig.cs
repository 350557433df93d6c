using System.Globalization;
using System.Text.Json;

namespace Generation.Tokenizers;

/// <summary>
/// The content of tokenizer_config.json, special_tokens_map.json and added_tokens.json, combined as transformers combines them: where the
/// config lists its added tokens (added_tokens_decoder), it alone counts; in older folders the map overrides it, which is how Stable
/// Diffusion 2's and SDXL's second tokenizer pad with "!".
/// </summary>
internal sealed record TokenizerConfig
{
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The special tokens by role: bos_token, eos_token, unk_token, pad_token.</summary>
    public required IReadOnlyDictionary<string, AddedToken> SpecialTokens { get; init; }

    /// <summary>The tokens with ids of their own.</summary>
    public required IReadOnlyList<(AddedToken Token, int Id)> AddedTokens { get; init; }

    /// <summary>The number of ids that the model takes at once, with the begin and end tokens; null where the file does not say.</summary>
    public int? ModelMaxLength { get; init; }

    /// <summary>How many sentinel tokens of T5 (extra_ids) follow the vocabulary; null where the file does not say.</summary>
    public int? ExtraIds { get; init; }

    /// <summary>Reads those of the three files that exist.</summary>
    /// <param name="files">The tokenizer's files.</param>
    /// <param name="normalizedRoles">The roles whose token, given as a plain string, is looked for in the normalised text.</param>
    public static TokenizerConfig Read(TokenizerFiles files, params string[] normalizedRoles)
    {
        string configPath = files.PathOf("tokenizer_config.json");
        using JsonDocument? config = ReadObject(files, "tokenizer_config.json");
        using JsonDocument? map = ReadObject(files, "special_tokens_map.json");
        using JsonDocument? added = ReadObject(files, "added_tokens.json");

        List<(AddedToken, int)> tokens = [];
        bool listed = false;
        if (
            config is not null
            && config.RootElement.TryGetProperty("added_tokens_decoder", out JsonElement decoder)
            && decoder.ValueKind == JsonValueKind.Object
        )
        {
            listed = true;
            foreach (JsonProperty entry in decoder.EnumerateObject())
            {
                if (
                    !int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                    || AddedToken.Read(entry.Value, special: false, normalizedByDefault: true) is not { } token
                )
                {
                    throw new TokenizerException(
                        $"{configPath}: added_tokens_decoder has the entry '{entry.Name}', which is not an id and a token."
                    );
                }

                tokens.Add((token, id));
            }
        }

        var special = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        foreach (string role in (string[])["bos_token", "eos_token", "unk_token", "pad_token"])
        {
            bool normalized = Array.IndexOf(normalizedRoles, role) >= 0;
            AddedToken? token = null;
            if (!listed && map is not null && map.RootElement.TryGetProperty(role, out JsonElement fromMap))
            {
                token = AddedToken.Read(fromMap, special: true, normalized);
            }

            if (token is null && config is not null && config.RootElement.TryGetProperty(role, out JsonElement fromConfig))
            {
                token = AddedToken.Read(fromConfig, special: true, normalized);
            }

            if (token is not null)
            {
                special.Add(role, token);
            }
        }

        if (!listed && added is not null)
        {
            foreach (JsonProperty entry in added.RootElement.EnumerateObject())
            {
                bool isSpecial = special.Values.Any(token => token.Content == entry.Name);
                tokens.Add((new AddedToken(entry.Name, isSpecial, !isSpecial), entry.Value.GetInt32()));
            }
        }

        return new TokenizerConfig
        {
            SpecialTokens = special,
            AddedTokens = tokens,
            ModelMaxLength = config is null ? null : Number(config.RootElement, "model_max_length", 100_000),
            ExtraIds = config is null ? null : Number(config.RootElement, "extra_ids", 10_000),
        };
    }

    /// <summary>
    /// All added tokens with their ids: those of the files, and special tokens that the vocabulary has or that come after it.
    /// </summary>
    public List<(AddedToken Token, int Id)> Resolve(IReadOnlyDictionary<string, int> vocabulary)
    {
        var tokens = new List<(AddedToken Token, int Id)>(AddedTokens);
        int next = vocabulary.Count;
        foreach ((_, int id) in tokens)
        {
            next = Math.Max(next, id + 1);
        }

        foreach (AddedToken token in SpecialTokens.Values)
        {
            if (!tokens.Exists(entry => entry.Token.Content == token.Content))
            {
                tokens.Add((token, vocabulary.TryGetValue(token.Content, out int id) ? id : next++));
            }
        }

        return tokens;
    }

    /// <summary>Reads the JSON object in a file; null where there is no such file.</summary>
    public static JsonDocument? ReadObject(TokenizerFiles files, string name)
    {
        if (files.Find(name) is not { } bytes)
        {
            return null;
        }

        string path = files.PathOf(name);
        try
        {
            // A stream, because only there a byte order mark is skipped
            using var stream = new MemoryStream(bytes, writable: false);
            var document = JsonDocument.Parse(stream, Lenient);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            throw new TokenizerException($"{path}: not a JSON object.");
        }
        catch (JsonException e)
        {
            throw new TokenizerException($"{path}: not JSON ({e.Message}).", e);
        }
    }

    // Files say 1e30 where there is no limit
    private static int? Number(JsonElement element, string name, int largest) =>
        element.TryGetProperty(name, out JsonElement value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetDouble(out double number)
        && number >= 0
        && number <= largest
            ? (int)number
            : null;
}

/// <summary>
/// A tokenizer's files are missing, damaged or contradict each other. The message names the file and what is wrong with it.
/// </summary>
public sealed class TokenizerException : Exception
{
    public TokenizerException(string message)
        : base(message) { }

    public TokenizerException(string message, Exception inner)
        : base(message, inner) { }
}
