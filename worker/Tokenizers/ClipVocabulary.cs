using System.IO.Compression;
using System.Text.Json;

namespace Generation.Tokenizers;

/// <summary>CLIP's tokens with their ids, and the merges in the order of their priority.</summary>
internal sealed record ClipVocabulary(Dictionary<string, int> Ids, List<(string Left, string Right)> Merges)
{
    /// <summary>Reads vocab.json and merges.txt.</summary>
    /// <exception cref="TokenizerException">One is missing or damaged.</exception>
    public static ClipVocabulary Read(TokenizerFiles files)
    {
        string vocabularyPath = files.PathOf("vocab.json");
        string mergesPath = files.PathOf("merges.txt");
        using JsonDocument json = TokenizerConfig.ReadObject(files, "vocab.json")
            ?? throw new TokenizerException($"{vocabularyPath} is missing.");
        Dictionary<string, int> ids = ReadIds(json.RootElement, vocabularyPath);
        byte[] merges = files.Find("merges.txt") ?? throw new TokenizerException($"{mergesPath} is missing.");
        using var reader = new StreamReader(new MemoryStream(merges, writable: false));
        return new ClipVocabulary(ids, ReadMerges(reader, mergesPath));
    }

    /// <summary>Reads both from tokenizer.json, which newer versions of transformers write alone.</summary>
    /// <exception cref="TokenizerException">The file is damaged, or not a tokenizer like CLIP's.</exception>
    public static ClipVocabulary ReadTokenizerJson(TokenizerFiles files)
    {
        string path = files.PathOf("tokenizer.json");
        using JsonDocument json = TokenizerConfig.ReadObject(files, "tokenizer.json")
            ?? throw new TokenizerException($"{path} is missing.");
        if (
            !json.RootElement.TryGetProperty("model", out JsonElement model)
            || model.ValueKind != JsonValueKind.Object
            || !model.TryGetProperty("vocab", out JsonElement vocab)
            || vocab.ValueKind != JsonValueKind.Object
            || !model.TryGetProperty("merges", out JsonElement merges)
            || merges.ValueKind != JsonValueKind.Array
            || !model.TryGetProperty("end_of_word_suffix", out JsonElement suffix)
            || suffix.ValueKind != JsonValueKind.String
            || suffix.GetString() != BytePairEncoder.EndOfWord
        )
        {
            throw new TokenizerException(
                $"{path}: its model is not byte pair encoding with the end of a word marked '{BytePairEncoder.EndOfWord}', as CLIP's is."
            );
        }

        var pairs = new List<(string, string)>(merges.GetArrayLength());
        foreach (JsonElement merge in merges.EnumerateArray())
        {
            // Older files join the two tokens with a space, newer ones list them
            string[] pair = merge.ValueKind switch
            {
                JsonValueKind.String => merge.GetString()!.Split(' '),
                JsonValueKind.Array =>
                [
                    .. merge.EnumerateArray().Select(token => token.ValueKind == JsonValueKind.String ? token.GetString()! : ""),
                ],
                _ => [],
            };
            if (pair is not [{ Length: > 0 } left, { Length: > 0 } right])
            {
                throw new TokenizerException($"{path}: merge {pairs.Count + 1} ({merge}) is not two tokens.");
            }

            pairs.Add((left, right));
        }

        return new ClipVocabulary(ReadIds(vocab, path), pairs);
    }

    /// <summary>Reads OpenAI's vocabulary, without the begin and end tokens, which follow.</summary>
    public static ClipVocabulary ReadPublished()
    {
        using Stream packed = typeof(ClipVocabulary).Assembly.GetManifestResourceStream("Generation.Tokenizers.clip_merges.txt.gz")
            ?? throw new InvalidOperationException("The resource clip_merges.txt.gz is not in the assembly.");
        using var reader = new StreamReader(new GZipStream(packed, CompressionMode.Decompress));
        List<(string Left, string Right)> merges = ReadMerges(reader, "clip_merges.txt.gz");

        // The published vocab.json numbers just so: bytes, bytes at a word's end, results of merges
        var ids = new Dictionary<string, int>(49_408, StringComparer.Ordinal);
        foreach (char c in ByteAlphabet.InVocabularyOrder())
        {
            ids.Add(c.ToString(), ids.Count);
        }

        foreach (char c in ByteAlphabet.InVocabularyOrder())
        {
            ids.Add(c + BytePairEncoder.EndOfWord, ids.Count);
        }

        foreach ((string left, string right) in merges)
        {
            ids.Add(left + right, ids.Count);
        }

        return new ClipVocabulary(ids, merges);
    }

    private static Dictionary<string, int> ReadIds(JsonElement vocabulary, string path)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (JsonProperty entry in vocabulary.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id) || id < 0)
            {
                throw new TokenizerException($"{path}: the id of '{entry.Name}' is {entry.Value}, not a whole number from 0.");
            }

            ids[entry.Name] = id;
        }

        return ids;
    }

    private static List<(string Left, string Right)> ReadMerges(TextReader reader, string path)
    {
        var merges = new List<(string, string)>();
        for (int number = 1; reader.ReadLine() is { } line; number++)
        {
            if (line.Length == 0 || (number == 1 && line.StartsWith("#version", StringComparison.Ordinal)))
            {
                continue;
            }

            int space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space < 1 || space == line.Length - 1)
            {
                throw new TokenizerException($"{path}: line {number} ('{line}') is not two tokens.");
            }

            merges.Add((line[..space], line[(space + 1)..].TrimEnd()));
        }

        return merges;
    }
}
