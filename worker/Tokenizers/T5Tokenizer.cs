using System.Globalization;
using System.Text.Json;

namespace Generation.Tokenizers;

/// <summary>
/// T5's tokenizer, a SentencePiece unigram model. Raffel et al., 2020. Read from tokenizer.json it equals transformers' T5TokenizerFast,
/// which FLUX pipelines use; read from spiece.model it equals the SentencePiece library. The two differ only where segmentations are
/// equally good. Safe for use by several threads at once.
/// </summary>
public sealed class T5Tokenizer : ITokenizer
{
    private const string Json = "tokenizer.json";
    private const string SentencePiece = "spiece.model";
    private const int DefaultMaxLength = 512;
    private const int DefaultExtraIds = 100;

    private readonly UnigramModel _model;
    private readonly Func<IEnumerable<string>, IEnumerable<string>> _split;
    private readonly AddedVocabulary _added;
    private readonly int[] _before;
    private readonly int[] _after;

    private T5Tokenizer(
        UnigramModel model,
        Func<string, string> normalize,
        Func<IEnumerable<string>, IEnumerable<string>> split,
        TokenizerConfig config,
        List<(AddedToken Token, int Id)> added,
        (int[] Before, int[] After)? template,
        string source
    )
    {
        _model = model;
        _split = split;
        _added = new AddedVocabulary(added, normalize);
        EosTokenId = Find("eos_token", "</s>");
        PadTokenId = Find("pad_token", "<pad>");
        (_before, _after) = template ?? ([], [EosTokenId]);
        ModelMaxLength = config.ModelMaxLength ?? DefaultMaxLength;
        Count = Math.Max(model.Count, added.Select(entry => entry.Id + 1).DefaultIfEmpty().Max());

        int Find(string role, string otherwise)
        {
            string content = config.SpecialTokens.TryGetValue(role, out AddedToken? token) ? token.Content : otherwise;
            int at = added.FindIndex(entry => entry.Token.Content == content);
            return at >= 0
                ? added[at].Id
                : throw new TokenizerException($"{source}: the vocabulary has no '{content}', which is the {role}.");
        }
    }

    /// <summary>The end token, the last id of every encoded text.</summary>
    public int EosTokenId { get; }

    /// <summary>The token that fills texts up to a length.</summary>
    public int PadTokenId { get; }

    /// <summary>The number of ids that the model was trained with, with the end token.</summary>
    public int ModelMaxLength { get; }

    public int Count { get; }

    public int MarkCount => _before.Length + _after.Length;

    /// <summary>
    /// Reads a tokenizer's folder: tokenizer.json, or else spiece.model, and where present the tokens of the other files beside it.
    /// </summary>
    /// <exception cref="TokenizerException">A file is missing or damaged, or of another type than unigram.</exception>
    public static T5Tokenizer Load(string folder) => Load(TokenizerFiles.Read(folder));

    /// <summary>Reads a tokenizer's files; see <see cref="Load(string)"/>.</summary>
    /// <exception cref="TokenizerException">A file is missing or damaged, or of another type than unigram.</exception>
    public static T5Tokenizer Load(TokenizerFiles files) =>
        files.Has(Json) ? LoadTokenizerJson(files)
        : files.Has(SentencePiece) ? LoadSentencePiece(files)
        : throw new TokenizerException($"{files} has neither {Json} nor {SentencePiece}.");

    /// <summary>Reads tokenizer.json; tokenizer_config.json beside it may name the special tokens.</summary>
    /// <exception cref="TokenizerException">The file is missing or damaged, or has parts that are not known.</exception>
    public static T5Tokenizer LoadTokenizerJson(TokenizerFiles files)
    {
        string path = files.PathOf(Json);
        using JsonDocument document = TokenizerConfig.ReadObject(files, Json) ?? throw new TokenizerException($"{path} is missing.");
        try
        {
            JsonElement root = document.RootElement.Clone();
            JsonElement model = root.GetProperty("model");
            string? type = model.TryGetProperty("type", out JsonElement named) ? named.GetString() : null;
            if (type is not (null or "Unigram"))
            {
                throw new TokenizerException($"The model type '{type}' is not Unigram.");
            }

            UnigramPiece[] pieces =
            [
                .. model
                    .GetProperty("vocab")
                    .EnumerateArray()
                    .Select(entry => new UnigramPiece(entry[0].GetString()!, entry[1].GetDouble(), PieceKind.Normal)),
            ];
            bool byteFallback = model.TryGetProperty("byte_fallback", out JsonElement fallback) && fallback.ValueKind == JsonValueKind.True;
            var unigram = new UnigramModel(pieces, model.GetProperty("unk_id").GetInt32(), byteFallback, singlePrecision: false);

            List<(AddedToken, int)> added = [];
            foreach (JsonElement entry in root.GetProperty("added_tokens").EnumerateArray())
            {
                AddedToken token = AddedToken.Read(entry, special: false, normalizedByDefault: true)
                    ?? throw new TokenizerException("An added token has no content.");
                added.Add((token, entry.GetProperty("id").GetInt32()));
            }

            Func<string, string> normalize = TokenizerJson.Normalizer(root.GetProperty("normalizer"));
            Func<IEnumerable<string>, IEnumerable<string>> split = TokenizerJson.PreTokenizer(root.GetProperty("pre_tokenizer"));
            var config = TokenizerConfig.Read(files);
            return new T5Tokenizer(
                unigram,
                normalize,
                split,
                config,
                added,
                TokenizerJson.PostProcessor(root.GetProperty("post_processor")),
                path
            );
        }
        catch (TokenizerException e)
        {
            throw new TokenizerException($"{path}: {e.Message}", e);
        }
        catch (Exception e)
            when (e
                    is KeyNotFoundException
                        or InvalidOperationException
                        or FormatException
                        or IndexOutOfRangeException
                        or ArgumentException
                        or NotSupportedException
            )
        {
            throw new TokenizerException($"{path}: a part of it is missing or of another form than a tokenizer's ({e.Message}).", e);
        }
    }

    /// <summary>
    /// Reads spiece.model; tokenizer_config.json beside it may name the special tokens and the number of sentinel tokens (extra_ids, 100
    /// by default).
    /// </summary>
    /// <exception cref="TokenizerException">The file is missing, damaged, or of another type than unigram.</exception>
    public static T5Tokenizer LoadSentencePiece(TokenizerFiles files)
    {
        string path = files.PathOf(SentencePiece);
        var file = SentencePieceFile.Read(files.Find(SentencePiece) ?? throw new TokenizerException($"{path} is missing."), path);
        var config = TokenizerConfig.Read(files);
        List<(AddedToken Token, int Id)> added = [.. config.AddedTokens];
        for (int id = 0; id < file.Pieces.Length; id++)
        {
            // transformers finds the marks in a text, where the library alone would not
            if (file.Pieces[id].Kind is PieceKind.Control or PieceKind.Unknown)
            {
                AddUnlessThere(file.Pieces[id].Text, id);
            }
        }

        // The sentinels stand behind the pieces, the first one last
        int extra = config.ExtraIds ?? DefaultExtraIds;
        for (int i = 0; i < extra; i++)
        {
            AddUnlessThere(string.Create(CultureInfo.InvariantCulture, $"<extra_id_{i}>"), file.Pieces.Length + extra - 1 - i);
        }

        var model = new UnigramModel(file.Pieces, file.Unknown, file.ByteFallback, singlePrecision: true);
        var normalizer = new SentencePieceNormalizer(file);
        return new T5Tokenizer(model, normalizer.Normalize, parts => parts, config, added, template: null, path);

        void AddUnlessThere(string content, int id)
        {
            if (!added.Exists(entry => entry.Token.Content == content))
            {
                added.Add((new AddedToken(content, Special: true, Normalized: false), id));
            }
        }
    }

    /// <summary>Encodes <paramref name="text"/>, with the end token, in any length.</summary>
    public int[] Encode(string text) => [.. _before, .. EncodeWithoutSpecialTokens(text), .. _after];

    public int[] EncodeWithoutSpecialTokens(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        foreach (TextPart part in _added.Split(text))
        {
            if (part.TokenId is { } id)
            {
                ids.Add(id);
                continue;
            }

            foreach (string word in _split([part.Text]))
            {
                _model.Encode(word, ids);
            }
        }

        return [.. ids];
    }

    /// <summary>
    /// Encodes <paramref name="text"/>, with the end token, truncated or padded to <paramref name="length"/> (<see cref="ModelMaxLength"/>
    /// by default).
    /// </summary>
    public int[] EncodePadded(string text, int? length = null)
    {
        int total = length ?? ModelMaxLength;
        ArgumentOutOfRangeException.ThrowIfLessThan(total, _before.Length + _after.Length + 1, nameof(length));
        int[] tokens = EncodeWithoutSpecialTokens(text);
        int kept = Math.Min(tokens.Length, total - _before.Length - _after.Length);
        int[] ids = new int[total];
        ids.AsSpan().Fill(PadTokenId);
        int[] filled = [.. _before, .. tokens.AsSpan(0, kept), .. _after];
        filled.CopyTo(ids, 0);
        return ids;
    }

    /// <summary>The text that ids stand for. Special tokens and ids out of range are left out.</summary>
    public string Decode(IEnumerable<int> ids) =>
        string.Concat(
                ids.Where(id => id >= 0 && id < _model.Count && !_added.Tokens.Any(entry => entry.Id == id && entry.Token.Special))
                    .Select(_model.Text)
            )
            .Replace(SentencePieceNormalizer.Space, ' ')
            .Trim();
}
