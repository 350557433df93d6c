namespace Generation.Diffusion.Prompts;

/// <summary>What a text encoder takes at once: ids between the marks, padded, with a weight for each.</summary>
/// <param name="Ids">As many as the encoder has positions. Places of textual inversion hold 0.</param>
/// <param name="Weights">What the encoder's output is multiplied by, per id.</param>
/// <param name="Vectors">Where vectors of textual inversion stand in place of tokens.</param>
public sealed record PromptChunk(int[] Ids, float[] Weights, IReadOnlyList<PlacedVectors> Vectors)
{
    /// <summary>Whether any weight differs from 1.</summary>
    public bool IsWeighted => Weights.AsSpan().ContainsAnyExcept(1f);

    /// <summary>Whether this asks the same of the encoder as <paramref name="other"/>.</summary>
    public bool SameAs(PromptChunk other) =>
        Ids.AsSpan().SequenceEqual(other.Ids) && Weights.AsSpan().SequenceEqual(other.Weights) && Vectors.SequenceEqual(other.Vectors);
}

/// <summary>The vectors of one textual inversion embedding in a chunk.</summary>
/// <param name="Position">Place of the first vector.</param>
/// <param name="Embedding">Number of the embedding in the order in which it was given.</param>
/// <param name="Count">Vectors.</param>
public sealed record PlacedVectors(int Position, int Embedding, int Count);
