using System.Globalization;

namespace Generation.Tokenizers;

/// <summary>How a text encoder reads a prompt.</summary>
/// <param name="Tokens">The number of the prompt's tokens, without begin and end; of a prompt that is cut all of them.</param>
/// <param name="Chunks">
/// The number of tokens in each chunk. A comma at the end of a chunk, or BREAK, leaves room in it.
/// </param>
/// <param name="CutAt">
/// The index of the first character that is not read; null where all are. Of a word that is read in part it is near: no token ends there.
/// </param>
public sealed record PromptCount(int Tokens, IReadOnlyList<int> Chunks, int? CutAt);

/// <summary>Counts what one text encoder reads of prompts, by the code that encodes them. Safe for use by several threads at once.</summary>
public sealed class PromptCounter
{
    private readonly ITokenizer _tokenizer;
    private readonly PromptChunker? _chunker;

    private PromptCounter(ITokenizer tokenizer, PromptChunker? chunker, int room)
    {
        _tokenizer = tokenizer;
        _chunker = chunker;
        Room = room;
    }

    /// <summary>The number of tokens that are read at once, without begin and end.</summary>
    public int Room { get; }

    /// <summary>Whether long prompts are read in chunks; otherwise they are cut.</summary>
    public bool IsChunked => _chunker is not null;

    /// <summary>Makes a counter for an encoder that reads weights, BREAK and embeddings, and long prompts in chunks.</summary>
    /// <param name="positions">The number of positions of the encoder.</param>
    public static PromptCounter Chunked(ClipTokenizer tokenizer, int positions, IReadOnlyList<EmbeddingToken>? embeddings = null)
    {
        var chunker = new PromptChunker(tokenizer, positions, embeddings);
        return new PromptCounter(tokenizer, chunker, chunker.Length - tokenizer.MarkCount);
    }

    /// <summary>Makes a counter for an encoder that reads plain text, and cuts what is beyond its positions.</summary>
    /// <param name="positions">The number of positions of the encoder.</param>
    public static PromptCounter Cutting(ITokenizer tokenizer, int positions) =>
        new(tokenizer, null, Math.Max(0, positions - tokenizer.MarkCount));

    /// <summary>Counts a prompt's tokens.</summary>
    /// <exception cref="PromptException">
    /// The prompt's syntax exceeds a limit, or it has more chunks than <see cref="PromptChunker.MaxChunks"/>.
    /// </exception>
    public PromptCount Count(string prompt)
    {
        if (_chunker is not null)
        {
            int[] chunks = [.. _chunker.Split(prompt).Select(chunk => chunk.Tokens)];
            return new PromptCount(chunks.Sum(), chunks, CutAt: null);
        }

        int tokens = CountOf(prompt);
        return tokens <= Room ? new PromptCount(tokens, [tokens], CutAt: null) : new PromptCount(tokens, [Room], EndOfRoom(prompt));
    }

    private int CountOf(string text) => _tokenizer.EncodeWithoutSpecialTokens(text).Length;

    /// <summary>The index at which the room ends: behind the words that fit, and what fits of the next one.</summary>
    private int EndOfRoom(string prompt)
    {
        // A word is read the same whatever follows it, so that more words never have fewer tokens
        int[] words = [.. Enumerable.Range(0, prompt.Length).Where(i => !IsSpace(prompt, i) && (i == 0 || IsSpace(prompt, i - 1)))];
        int fitting = Largest(words.Length, count => CountOf(prompt[..EndOfWord(prompt, words[count - 1])]) <= Room);
        int start = words[fitting];
        int[] elements = StringInfo.ParseCombiningCharacters(prompt[start..EndOfWord(prompt, start)]);
        int begun = Largest(elements.Length - 1, count => CountOf(prompt[..(start + elements[count])]) <= Room);
        return start + elements[begun];
    }

    /// <summary>The largest number up to a limit for which something holds that holds for no larger one; 0 if it holds for none.</summary>
    private static int Largest(int limit, Func<int, bool> holds)
    {
        int from = 0;
        while (from < limit)
        {
            int middle = (from + limit + 1) / 2;
            (from, limit) = holds(middle) ? (middle, limit) : (from, middle - 1);
        }

        return from;
    }

    private static int EndOfWord(string text, int start)
    {
        int end = start;
        while (end < text.Length && !IsSpace(text, end))
        {
            end++;
        }

        return end;
    }

    private static bool IsSpace(string text, int index) => char.IsWhiteSpace(text[index]);
}
