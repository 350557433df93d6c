namespace Generation.Tokenizers;

/// <summary>
/// Splits prompts into chunks for one text encoder. Long texts are split as AUTOMATIC1111's web UI splits them: into stretches of (length -
/// 2) tokens, if possible behind a comma among the last 20. Safe for use by several threads at once.
/// </summary>
public sealed class PromptChunker
{
    /// <summary>The largest number of chunks of one prompt: 1,200 tokens for Stable Diffusion. Each costs time in every step.</summary>
    public const int MaxChunks = 16;

    private const int CommaReach = 20;

    private readonly ClipTokenizer _tokenizer;
    private readonly int _firstEmbedding;
    private readonly IReadOnlyList<EmbeddingToken> _embeddings;
    private readonly int _comma;

    /// <summary>Makes a chunker for an encoder.</summary>
    /// <param name="tokenizer">The encoder's tokenizer.</param>
    /// <param name="positions">The number of positions of the encoder; of these and the tokenizer's the smaller counts.</param>
    /// <param name="embeddings">
    /// The names of textual inversion embeddings, which are found in any case, and their numbers of vectors.
    /// </param>
    /// <exception cref="PromptException">An embedding has more vectors than a chunk has room for.</exception>
    /// <exception cref="ArgumentException">Two embeddings have the same name, or a name is a token already.</exception>
    public PromptChunker(ClipTokenizer tokenizer, int? positions = null, IReadOnlyList<EmbeddingToken>? embeddings = null)
    {
        Length = Math.Min(positions ?? int.MaxValue, tokenizer.ModelMaxLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(Length, 3, nameof(positions));
        _embeddings = embeddings ?? [];
        foreach (EmbeddingToken embedding in _embeddings)
        {
            if (embedding.Vectors < 1 || embedding.Vectors > Length - 2)
            {
                throw new PromptException(
                    $"The embedding '{embedding.Name}' has {embedding.Vectors} vectors; a chunk has room for 1 to {Length - 2}."
                );
            }
        }

        _firstEmbedding = tokenizer.Count;
        _tokenizer = _embeddings.Count == 0 ? tokenizer : tokenizer.WithTokens(_embeddings.Select(embedding => embedding.Name));
        int[] comma = tokenizer.EncodeWithoutSpecialTokens(",");
        _comma = comma.Length == 1 ? comma[0] : -1;
    }

    /// <summary>The number of ids of each chunk, with the begin and end tokens.</summary>
    public int Length { get; }

    /// <summary>Splits a prompt into chunks, at least one.</summary>
    /// <exception cref="PromptException">
    /// The prompt's syntax exceeds a limit, or it has more than <see cref="MaxChunks"/> chunks.
    /// </exception>
    public IReadOnlyList<PromptChunk> Split(string prompt, PromptSyntax syntax = PromptSyntax.Weighted)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var row = new Row(this);
        if (syntax == PromptSyntax.Plain)
        {
            row.AddUntilFull(_tokenizer.EncodeWithoutSpecialTokens(prompt));
            return row.Finish();
        }

        bool first = true;
        foreach (IReadOnlyList<PromptPart> section in PromptParser.Parse(prompt))
        {
            if (!first)
            {
                row.EndChunk();
            }

            first = false;
            foreach (PromptPart part in section)
            {
                row.Add(_tokenizer.EncodeWithoutSpecialTokens(part.Text), (float)part.Weight);
            }
        }

        return row.Finish();
    }

    /// <summary>A chunk without text, which fills up the shorter prompts of a batch.</summary>
    public PromptChunk Empty() => new Row(this).Finish()[0];

    /// <summary>The chunks made so far, and the one being filled.</summary>
    private sealed class Row(PromptChunker owner)
    {
        private readonly List<PromptChunk> _chunks = [];
        private readonly int _room = owner.Length - 2;
        private List<(int Id, float Weight)> _words = [];
        private List<PlacedVectors> _vectors = [];
        private int _lastComma = -1;

        public void AddUntilFull(int[] ids)
        {
            foreach (int id in ids)
            {
                int embedding = id - owner._firstEmbedding;
                int needed = embedding >= 0 ? owner._embeddings[embedding].Vectors : 1;
                if (_words.Count + needed > _room)
                {
                    return;
                }

                Place(id, 1);
            }
        }

        public void Add(int[] ids, float weight)
        {
            foreach (int id in ids)
            {
                if (id == owner._comma)
                {
                    _lastComma = _words.Count;
                }
                else if (_words.Count == _room && _lastComma >= 0 && _room - _lastComma <= CommaReach)
                {
                    MoveOnFrom(_lastComma + 1);
                }

                int embedding = id - owner._firstEmbedding;
                int needed = embedding >= 0 ? owner._embeddings[embedding].Vectors : 1;
                if (_words.Count + needed > _room)
                {
                    EndChunk();
                }

                Place(id, weight);
            }
        }

        public void EndChunk()
        {
            if (_chunks.Count == MaxChunks)
            {
                throw new PromptException($"The prompt has more than {MaxChunks} chunks of {_room} tokens.");
            }

            int length = owner.Length;
            int[] ids = new int[length];
            float[] weights = new float[length];
            ids.AsSpan().Fill(owner._tokenizer.PadTokenId);
            weights.AsSpan().Fill(1);
            ids[0] = owner._tokenizer.BosTokenId;
            for (int i = 0; i < _words.Count; i++)
            {
                (ids[i + 1], weights[i + 1]) = _words[i];
            }

            ids[_words.Count + 1] = owner._tokenizer.EosTokenId;
            _chunks.Add(new PromptChunk(ids, weights, _vectors, _words.Count));
            _words = [];
            _vectors = [];
            _lastComma = -1;
        }

        public List<PromptChunk> Finish()
        {
            if (_words.Count > 0 || _chunks.Count == 0)
            {
                EndChunk();
            }

            return _chunks;
        }

        private void Place(int id, float weight)
        {
            int embedding = id - owner._firstEmbedding;
            if (embedding < 0)
            {
                _words.Add((id, weight));
                return;
            }

            int count = owner._embeddings[embedding].Vectors;
            _vectors.Add(new PlacedVectors(_words.Count + 1, embedding, count));
            _words.AddRange(Enumerable.Repeat((0, weight), count));
        }

        /// <summary>Ends the chunk before <paramref name="start"/>; the words from there on begin the next chunk.</summary>
        private void MoveOnFrom(int start)
        {
            List<(int Id, float Weight)> words = _words[start..];
            List<PlacedVectors> vectors =
            [
                .. _vectors.Where(placed => placed.Position > start).Select(placed => placed with { Position = placed.Position - start }),
            ];
            _vectors.RemoveAll(placed => placed.Position > start);
            _words.RemoveRange(start, _words.Count - start);
            EndChunk();
            _words = words;
            _vectors = vectors;
        }
    }
}

/// <summary>The name of a textual inversion embedding and its number of vectors.</summary>
public sealed record EmbeddingToken(string Name, int Vectors);

/// <summary>The input of a text encoder for one call: ids between the begin and end tokens, padded, with a weight for each.</summary>
/// <param name="Ids">As many ids as the encoder has positions, with 0 at the positions of textual inversion vectors.</param>
/// <param name="Weights">For each id the factor that the encoder's output is multiplied by.</param>
/// <param name="Vectors">Where textual inversion vectors replace tokens.</param>
/// <param name="Tokens">How many of the ids are the prompt's: those between the begin and end tokens.</param>
public sealed record PromptChunk(int[] Ids, float[] Weights, IReadOnlyList<PlacedVectors> Vectors, int Tokens)
{
    /// <summary>Whether any weight differs from 1.</summary>
    public bool IsWeighted => Weights.AsSpan().ContainsAnyExcept(1f);

    /// <summary>Whether the encoder's output for <paramref name="other"/> is the same.</summary>
    public bool SameAs(PromptChunk other) =>
        Ids.AsSpan().SequenceEqual(other.Ids) && Weights.AsSpan().SequenceEqual(other.Weights) && Vectors.SequenceEqual(other.Vectors);
}

/// <summary>The position of the vectors of one textual inversion embedding in a chunk.</summary>
/// <param name="Position">The position of the first vector.</param>
/// <param name="Embedding">The number of the embedding, in the order in which they were given.</param>
/// <param name="Count">The number of vectors.</param>
public sealed record PlacedVectors(int Position, int Embedding, int Count);
