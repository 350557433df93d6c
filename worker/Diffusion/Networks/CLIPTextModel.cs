using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// The text encoder of CLIP and OpenCLIP, with the projection into the joint space of texts and pictures where the weights have one (SDXL's
/// second encoder). Returns all hidden states, because it is the pipeline's choice which of them conditions a denoising network.
/// </summary>
public sealed class CLIPTextModel : Network
{
    private readonly ClipTextTransformer _textModel;
    private readonly Linear? _textProjection;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public CLIPTextModel(ClipTextConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        _textModel = new ClipTextTransformer(weights["text_model"], config);
        _textProjection = weights.Has("text_projection.weight")
            ? new Linear(weights["text_projection"], config.HiddenSize, config.ProjectionDim, bias: false)
            : null;
        Finish(weights);
    }

    public ClipTextConfig Config { get; }

    /// <summary>Whether <see cref="ClipTextOutput.TextEmbeds"/> is computed.</summary>
    public bool HasProjection => _textProjection is not null;

    /// <param name="inputIds">(batch, length) token ids, at most <see cref="ClipTextConfig.MaxPositionEmbeddings"/> long</param>
    /// <param name="attentionMask">
    /// (batch, length), with 1 for tokens that are attended to and 0 for padding; null attends to all, as Stable Diffusion does.
    /// </param>
    /// <returns>The output, in the caller's scope; dispose it, or the scope.</returns>
    public ClipTextOutput Forward(Tensor inputIds, Tensor? attentionMask = null)
    {
        using Tensor embedded = _textModel.Embed(inputIds);
        return Forward(inputIds, embedded, attentionMask);
    }

    /// <summary>The same as <see cref="Forward(Tensor, Tensor?)"/>, with vectors in place of some tokens (textual inversion).</summary>
    /// <param name="inputIds">(batch, length) token ids, in which the end token is looked for.</param>
    /// <param name="embedded">(batch, length, hidden size), see <see cref="Embed"/></param>
    public ClipTextOutput Forward(Tensor inputIds, Tensor embedded, Tensor? attentionMask)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] states = _textModel.HiddenStates(ToOwn(embedded), attentionMask);
        Tensor last = _textModel.FinalLayerNorm(states[^1]);
        Tensor pooled = _textModel.Pool(last, inputIds);
        Tensor? projected = _textProjection?.Forward(pooled);
        return new ClipTextOutput(
            last.MoveToOuterDisposeScope(),
            [.. states.Select(state => state.MoveToOuterDisposeScope())],
            pooled.MoveToOuterDisposeScope(),
            projected?.MoveToOuterDisposeScope()
        );
    }

    /// <summary>The embeddings of tokens, without positions: (batch, length, hidden size).</summary>
    public Tensor Embed(Tensor inputIds) => _textModel.Embed(inputIds);

    /// <summary>Applies the norm that follows the last layer, for a hidden state that is taken before it (clip_skip).</summary>
    public Tensor FinalLayerNorm(Tensor hiddenState) => _textModel.FinalLayerNorm(hiddenState);
}

/// <summary>The output of <see cref="CLIPTextModel"/>, in the caller's scope.</summary>
/// <param name="LastHiddenState">(batch, length, hidden size), after the final norm.</param>
/// <param name="HiddenStates">The embeddings, then each layer's output before the final norm; the last but one is [^2].</param>
/// <param name="Pooled">(batch, hidden size): the normalised state at the end token.</param>
/// <param name="TextEmbeds">(batch, projection_dim): the pooled state in the joint space; null where there is no projection.</param>
public sealed record ClipTextOutput(Tensor LastHiddenState, IReadOnlyList<Tensor> HiddenStates, Tensor Pooled, Tensor? TextEmbeds)
    : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        LastHiddenState.Dispose();
        foreach (Tensor state in HiddenStates)
        {
            state.Dispose();
        }
        Pooled.Dispose();
        TextEmbeds?.Dispose();
    }
}
