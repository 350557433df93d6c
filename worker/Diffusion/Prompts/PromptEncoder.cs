using Generation.Diffusion.Networks;
using Generation.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Prompts;

/// <summary>Which hidden state of a text encoder a denoising network is conditioned on.</summary>
public enum TextState
{
    /// <summary>
    /// The last layer's, after the final norm; with clip_skip an earlier layer's, after the same norm. For Stable Diffusion 1.x and 2.x.
    /// </summary>
    Normed = 0,

    /// <summary>The last but one layer's, without the norm; with clip_skip an earlier layer's. For SDXL.</summary>
    Penultimate = 1,
}

/// <summary>
/// Encodes chunks of prompts with one CLIP text model. Chunks are encoded one by one, so that a prompt's encoding does not depend on the
/// other prompts, and equal chunks only once.
/// </summary>
/// <remarks>
/// Emphasis follows AUTOMATIC1111's web UI, as prompts are written for it: the encoder's states are multiplied by the weights and then
/// scaled so that the chunk's mean is what it was ("Original"). The pooled embedding is that of the first chunk, without emphasis.
/// </remarks>
public sealed class PromptEncoder
{
    private readonly CLIPTextModel _model;
    private readonly IReadOnlyList<TextualInversion> _embeddings;
    private readonly PromptChunker _chunker;
    private readonly int _place;

    /// <summary>Makes an encoder for one run. The model, its tokenizer and the embeddings remain the caller's.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="model">The text model.</param>
    /// <param name="embeddings">Textual inversion embeddings that prompts may name.</param>
    /// <param name="place">0 for the first text encoder, 1 for SDXL's second.</param>
    /// <exception cref="PromptException">An embedding is not for this model.</exception>
    public PromptEncoder(ClipTokenizer tokenizer, CLIPTextModel model, IReadOnlyList<TextualInversion>? embeddings = null, int place = 0)
    {
        _model = model;
        _embeddings = embeddings ?? [];
        _place = place;
        foreach (TextualInversion embedding in _embeddings)
        {
            embedding.For(place, model.Config.HiddenSize);
        }

        _chunker = new PromptChunker(
            tokenizer,
            (int)model.Config.MaxPositionEmbeddings,
            [.. _embeddings.Select(embedding => new EmbeddingToken(embedding.Name, embedding.Count))]
        );
    }

    private Device Device => _model.Parameters.Device;

    /// <summary>Splits each text into chunks.</summary>
    /// <exception cref="PromptException">A text's syntax exceeds a limit, or the text is too long.</exception>
    public IReadOnlyList<IReadOnlyList<PromptChunk>> Split(IEnumerable<string> texts, PromptSyntax syntax) =>
        [.. texts.Select(text => _chunker.Split(text, syntax))];

    /// <summary>Encodes texts that were split by this encoder.</summary>
    /// <param name="texts">The chunks of each text.</param>
    /// <param name="chunks">
    /// The number of chunks of the longest text that is used in the same call of the denoising network; shorter texts are filled up with
    /// empty chunks.
    /// </param>
    /// <param name="state">Which hidden state is returned.</param>
    /// <param name="clipSkip">
    /// The number of layers that are left out at the end, beyond those that <paramref name="state"/> leaves out.
    /// </param>
    /// <returns>The encodings, in the caller's scope.</returns>
    /// <exception cref="PromptException">The model has no such layer.</exception>
    public EncodedPrompts Encode(
        IReadOnlyList<IReadOnlyList<PromptChunk>> texts,
        int chunks,
        TextState state = TextState.Normed,
        int? clipSkip = null
    )
    {
        using DisposeScope scope = NewDisposeScope();
        var done = new List<(PromptChunk Chunk, Tensor States, Tensor Pooled)>();
        var rows = new List<Tensor>();
        var pooled = new List<Tensor>();
        foreach (IReadOnlyList<PromptChunk> text in texts)
        {
            if (text.Count > chunks)
            {
                throw new ArgumentOutOfRangeException(nameof(chunks), chunks, $"A text has {text.Count} chunks.");
            }

            (PromptChunk Chunk, Tensor States, Tensor Pooled)[] encoded =
            [
                .. Enumerable.Range(0, chunks).Select(i => EncodeOnce(i < text.Count ? text[i] : _chunker.Empty(), state, clipSkip, done)),
            ];
            rows.Add(chunks == 1 ? encoded[0].States : cat([.. encoded.Select(chunk => chunk.States)], 1));
            pooled.Add(encoded[0].Pooled);
        }

        return new EncodedPrompts(Join(rows).MoveToOuterDisposeScope(), Join(pooled).MoveToOuterDisposeScope());
    }

    /// <summary>Concatenates along the batch. Copies a single row, too, because it may be in use elsewhere.</summary>
    private static Tensor Join(List<Tensor> rows) => cat([.. rows], 0);

    private (PromptChunk Chunk, Tensor States, Tensor Pooled) EncodeOnce(
        PromptChunk chunk,
        TextState state,
        int? clipSkip,
        List<(PromptChunk Chunk, Tensor States, Tensor Pooled)> done
    )
    {
        int known = done.FindIndex(entry => entry.Chunk.SameAs(chunk));
        if (known < 0)
        {
            (Tensor states, Tensor pooled) = EncodeChunk(chunk, state, clipSkip);
            done.Add((chunk, states, pooled));
            known = done.Count - 1;
        }

        return done[known];
    }

    private (Tensor States, Tensor Pooled) EncodeChunk(PromptChunk chunk, TextState state, int? clipSkip)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = tensor([.. chunk.Ids.Select(id => (long)id)], dtype: ScalarType.Int64).unsqueeze(0).to(Device);
        using ClipTextOutput output =
            chunk.Vectors.Count == 0 ? _model.Forward(ids) : _model.Forward(ids, EmbedWithVectors(ids, chunk), null);
        Tensor states = Choose(output, state, clipSkip).to(ScalarType.Float32);
        if (chunk.IsWeighted)
        {
            states = Weigh(states, chunk.Weights);
        }

        return (
            states.clone().MoveToOuterDisposeScope(),
            (output.TextEmbeds ?? output.Pooled).to(ScalarType.Float32).clone().MoveToOuterDisposeScope()
        );
    }

    /// <summary>The embeddings of tokens, (1, length, features), with textual inversion vectors in their positions.</summary>
    private Tensor EmbedWithVectors(Tensor ids, PromptChunk chunk)
    {
        Tensor tokens = _model.Embed(ids);
        var parts = new List<Tensor>();
        long done = 0;
        foreach (PlacedVectors placed in chunk.Vectors)
        {
            parts.Add(tokens.narrow(1, done, placed.Position - done));
            parts.Add(_embeddings[placed.Embedding].For(_place, tokens.shape[2]).to(tokens.dtype).to(tokens.device).unsqueeze(0));
            done = placed.Position + placed.Count;
        }

        parts.Add(tokens.narrow(1, done, chunk.Ids.Length - done));
        return cat([.. parts], 1);
    }

    private Tensor Choose(ClipTextOutput output, TextState state, int? clipSkip)
    {
        if (state == TextState.Normed && clipSkip is null)
        {
            return output.LastHiddenState;
        }

        int fromEnd = (clipSkip ?? 0) + (state == TextState.Normed ? 1 : 2);
        if (fromEnd < 1 || fromEnd > output.HiddenStates.Count)
        {
            throw new PromptException(
                $"Leaving out {clipSkip} layers is more than the text encoder has ({output.HiddenStates.Count - 1})."
            );
        }

        Tensor hidden = output.HiddenStates[^fromEnd];
        return state == TextState.Normed ? _model.FinalLayerNorm(hidden) : hidden;
    }

    private static Tensor Weigh(Tensor states, float[] weights)
    {
        double mean = states.mean().ToDouble();
        Tensor weighed = states * tensor(weights).view(1, -1, 1).to(states.device);
        double scale = mean / weighed.mean().ToDouble();
        return double.IsFinite(scale) ? weighed * scale : weighed;
    }
}

/// <summary>The encodings of texts, which condition a denoising network, in the caller's scope.</summary>
/// <param name="States">(texts, chunks x length, features), float32.</param>
/// <param name="Pooled">
/// (texts, features), float32: the projected state at the end token of each first chunk or, where the model has no projection, the
/// normalised state.
/// </param>
public sealed record EncodedPrompts(Tensor States, Tensor Pooled) : IDisposable
{
    public void Dispose()
    {
        States.Dispose();
        Pooled.Dispose();
    }
}
