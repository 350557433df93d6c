using System.Text;

namespace Generation.Tokenizers;

/// <summary>
/// CLIP's tokenizer: the text in lower case and in normalisation form C is split into words, punctuation and single digits, each of which
/// is byte pair encoded. Radford et al., 2021. Equal to transformers' CLIPTokenizerFast. Safe for use by several threads at once.
/// </summary>
public sealed class ClipTokenizer : ITokenizer
{
    /// <summary>The number of positions of every published CLIP text model.</summary>
    public const int DefaultMaxLength = 77;

    private static readonly Lazy<ClipTokenizer> LazyPublished = new(() => ReadPublished("<|endoftext|>"));
    private static readonly Lazy<ClipTokenizer> LazyPaddedWithZero = new(() => ReadPublished("!"));

    private readonly Dictionary<string, int> _vocabulary;
    private readonly BytePairEncoder _encoder;
    private readonly AddedVocabulary _added;
    private readonly Lazy<Dictionary<int, string>> _tokens;

    private ClipTokenizer(Dictionary<string, int> vocabulary, BytePairEncoder encoder, AddedVocabulary added, Marks marks)
    {
        _vocabulary = vocabulary;
        _encoder = encoder;
        _added = added;
        (BosTokenId, EosTokenId, PadTokenId, UnkTokenId, ModelMaxLength) = marks;
        _tokens = new Lazy<Dictionary<int, string>>(Reverse);
        Count = Math.Max(vocabulary.Count, added.Tokens.Select(entry => entry.Id + 1).DefaultIfEmpty().Max());
    }

    /// <summary>
    /// The tokenizer with the vocabulary that OpenAI published and every Stable Diffusion, SDXL and FLUX model uses, for checkpoints that
    /// contain none.
    /// </summary>
    public static ClipTokenizer Published => LazyPublished.Value;

    /// <summary>The published vocabulary, padded with "!" (id 0), as Stable Diffusion 2's tokenizer and SDXL's second are.</summary>
    public static ClipTokenizer PublishedPaddedWithZero => LazyPaddedWithZero.Value;

    /// <summary>The begin token, the first id of every encoded text.</summary>
    public int BosTokenId { get; }

    /// <summary>The end token, the last id of every encoded text.</summary>
    public int EosTokenId { get; }

    /// <summary>The token that fills texts up to a length; it differs between families.</summary>
    public int PadTokenId { get; }

    /// <summary>The token for bytes that are not in the vocabulary.</summary>
    public int UnkTokenId { get; }

    /// <summary>The number of ids that the model takes at once, with the begin and end tokens.</summary>
    public int ModelMaxLength { get; }

    public int Count { get; }

    public int MarkCount => 2;

    /// <summary>
    /// Reads a tokenizer's folder: vocab.json and merges.txt, or else tokenizer.json; and where present tokenizer_config.json,
    /// special_tokens_map.json and added_tokens.json.
    /// </summary>
    /// <exception cref="TokenizerException">A file is missing, damaged or contradicts another.</exception>
    public static ClipTokenizer Load(string folder) => Load(TokenizerFiles.Read(folder));

    /// <summary>Reads a tokenizer's files; see <see cref="Load(string)"/>.</summary>
    /// <exception cref="TokenizerException">A file is missing, damaged or contradicts another.</exception>
    public static ClipTokenizer Load(TokenizerFiles files)
    {
        // CLIPTokenizer takes its marks as normalised tokens, but the padding as it stands
        var config = TokenizerConfig.Read(files, "bos_token", "eos_token", "unk_token");
        try
        {
            ClipVocabulary vocabulary =
                !files.Has("vocab.json") && files.Has("tokenizer.json")
                    ? ClipVocabulary.ReadTokenizerJson(files)
                    : ClipVocabulary.Read(files);
            return Create(vocabulary, config, files.ToString());
        }
        catch (InvalidOperationException e)
        {
            throw new TokenizerException($"{files}: a text in its files is not valid Unicode ({e.Message}).", e);
        }
    }

    /// <summary>
    /// Makes a tokenizer that also knows <paramref name="tokens"/>, in any case but not within other words, each as one id from
    /// <see cref="Count"/> on, in this order. For textual inversion.
    /// </summary>
    /// <exception cref="ArgumentException">A token is empty or known already.</exception>
    public ClipTokenizer WithTokens(IEnumerable<string> tokens)
    {
        var added = new List<(AddedToken Token, int Id)>(_added.Tokens);
        int next = Count;
        foreach (string token in tokens)
        {
            string content = Normalize(token);
            if (string.IsNullOrWhiteSpace(content))
            {
                throw new ArgumentException("A token's text is empty.", nameof(tokens));
            }

            if (_vocabulary.ContainsKey(token) || added.Exists(entry => Normalize(entry.Token.Content) == content))
            {
                throw new ArgumentException($"The token '{token}' is in the vocabulary already.", nameof(tokens));
            }

            // A name that is written as a word is not looked for within words
            bool word = AddedVocabulary.IsWord(content.EnumerateRunes().First()) || AddedVocabulary.IsWord(content.EnumerateRunes().Last());
            added.Add((new AddedToken(token, Special: false, Normalized: true, SingleWord: word), next++));
        }

        var marks = new Marks(BosTokenId, EosTokenId, PadTokenId, UnkTokenId, ModelMaxLength);
        return new ClipTokenizer(_vocabulary, _encoder, new AddedVocabulary(added, Normalize), marks);
    }

    /// <summary>Encodes <paramref name="text"/>, with the begin and end tokens, in any length.</summary>
    public int[] Encode(string text)
    {
        List<int> ids = [BosTokenId];
        Append(text, ids);
        ids.Add(EosTokenId);
        return [.. ids];
    }

    public int[] EncodeWithoutSpecialTokens(string text)
    {
        List<int> ids = [];
        Append(text, ids);
        return [.. ids];
    }

    /// <summary>
    /// Encodes <paramref name="text"/>, with the begin and end tokens, truncated or padded to <paramref name="length"/>
    /// (<see cref="ModelMaxLength"/> by default).
    /// </summary>
    public int[] EncodePadded(string text, int? length = null)
    {
        int total = length ?? ModelMaxLength;
        ArgumentOutOfRangeException.ThrowIfLessThan(total, 2, nameof(length));
        int[] tokens = EncodeWithoutSpecialTokens(text);
        int kept = Math.Min(tokens.Length, total - 2);
        int[] ids = new int[total];
        ids.AsSpan().Fill(PadTokenId);
        ids[0] = BosTokenId;
        tokens.AsSpan(0, kept).CopyTo(ids.AsSpan(1));
        ids[kept + 1] = EosTokenId;
        return ids;
    }

    /// <summary>
    /// The text that ids stand for, with one space between words. Begin and end tokens and ids out of range are left out.
    /// </summary>
    public string Decode(IEnumerable<int> ids)
    {
        var text = new StringBuilder();
        var word = new StringBuilder();
        foreach (int id in ids)
        {
            if (id != BosTokenId && id != EosTokenId && _tokens.Value.TryGetValue(id, out string? token))
            {
                word.Append(
                    token.EndsWith(BytePairEncoder.EndOfWord, StringComparison.Ordinal)
                        ? token[..^BytePairEncoder.EndOfWord.Length] + ' '
                        : token
                );
            }
        }

        foreach (string part in word.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            text.Append(text.Length > 0 ? " " : "").Append(ByteAlphabet.Decode(part));
        }

        return text.ToString();
    }

    private static ClipTokenizer Create(ClipVocabulary words, TokenizerConfig config, string source)
    {
        Dictionary<string, int> vocabulary = words.Ids;
        List<(AddedToken Token, int Id)> added = config.Resolve(vocabulary);
        int eos = Find("eos_token", "<|endoftext|>");
        int unknown = config.SpecialTokens.ContainsKey("unk_token") ? Find("unk_token", "") : eos;
        int padding = config.SpecialTokens.ContainsKey("pad_token") ? Find("pad_token", "") : eos;
        var marks = new Marks(Find("bos_token", "<|startoftext|>"), eos, padding, unknown, config.ModelMaxLength ?? DefaultMaxLength);
        return new ClipTokenizer(
            vocabulary,
            new BytePairEncoder(vocabulary, words.Merges, unknown),
            new AddedVocabulary(added, Normalize),
            marks
        );

        int Find(string role, string otherwise)
        {
            string content = config.SpecialTokens.TryGetValue(role, out AddedToken? token) ? token.Content : otherwise;
            int at = added.FindIndex(entry => entry.Token.Content == content);
            if (at >= 0)
            {
                return added[at].Id;
            }

            return vocabulary.TryGetValue(content, out int id)
                ? id
                : throw new TokenizerException($"{source}: the vocabulary has no '{content}', which is the {role}.");
        }
    }

    private static ClipTokenizer ReadPublished(string padding)
    {
        var words = ClipVocabulary.ReadPublished();
        var bos = new AddedToken("<|startoftext|>", Special: true, Normalized: true);
        var eos = new AddedToken("<|endoftext|>", Special: true, Normalized: true);
        words.Ids.Add(bos.Content, words.Ids.Count);
        words.Ids.Add(eos.Content, words.Ids.Count);
        var special = new Dictionary<string, AddedToken>(StringComparer.Ordinal)
        {
            ["bos_token"] = bos,
            ["eos_token"] = eos,
            ["unk_token"] = eos,
            ["pad_token"] = padding == eos.Content ? eos : new AddedToken(padding, Special: true, Normalized: false),
        };
        return Create(words, new TokenizerConfig { SpecialTokens = special, AddedTokens = [] }, "the published vocabulary");
    }

    private void Append(string text, List<int> ids)
    {
        ArgumentNullException.ThrowIfNull(text);
        foreach (TextPart part in _added.Split(text))
        {
            if (part.TokenId is { } id)
            {
                ids.Add(id);
                continue;
            }

            int at = 0;
            while (ClipPreTokenizer.Next(part.Text, ref at) is { Length: > 0 } word)
            {
                _encoder.Encode(word, ids);
            }
        }
    }

    private static string Normalize(string text) => ClipPreTokenizer.Lower(ClipPreTokenizer.CollapseWhiteSpace(Nfc.Normalize(text)));

    private Dictionary<int, string> Reverse()
    {
        var tokens = new Dictionary<int, string>(Count);
        foreach ((string token, int id) in _vocabulary)
        {
            tokens[id] = token;
        }

        foreach ((AddedToken token, int id) in _added.Tokens)
        {
            tokens[id] = token.Content + BytePairEncoder.EndOfWord;
        }

        return tokens;
    }

    private sealed record Marks(int Bos, int Eos, int Pad, int Unk, int MaxLength);
}
