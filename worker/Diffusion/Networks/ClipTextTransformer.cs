using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>CLIP's text transformer, which text models and CLIPSeg have.</summary>
internal sealed class ClipTextTransformer
{
    // Configs written before transformers 4.24 say 2 for the end token, where the vocabulary's is its largest id
    private const int MistakenEosTokenId = 2;

    private readonly ClipTextConfig _config;
    private readonly Embedding _tokenEmbedding;
    private readonly Embedding _positionEmbedding;
    private readonly ClipEncoder _encoder;
    private readonly LayerNorm _finalLayerNorm;

    public ClipTextTransformer(NetworkWeights w, ClipTextConfig config)
    {
        _config = config;
        _tokenEmbedding = new Embedding(w["embeddings.token_embedding"], config.VocabSize, config.HiddenSize);
        _positionEmbedding = new Embedding(w["embeddings.position_embedding"], config.MaxPositionEmbeddings, config.HiddenSize);
        _encoder = new ClipEncoder(w["encoder"], ClipLayerSizes.Of(config), config.NumHiddenLayers);
        _finalLayerNorm = new LayerNorm(w["final_layer_norm"], config.HiddenSize, config.LayerNormEps);
    }

    /// <summary>The embeddings of tokens, without positions.</summary>
    public Tensor Embed(Tensor inputIds) => _tokenEmbedding.Forward(inputIds);

    /// <summary>Applies the norm that follows the last layer.</summary>
    public Tensor FinalLayerNorm(Tensor hiddenState) => _finalLayerNorm.Forward(hiddenState);

    /// <summary>Returns all hidden states, the embeddings first, in the caller's scope.</summary>
    /// <param name="embedded">(batch, length, features): the embeddings of tokens, without positions</param>
    /// <param name="attentionMask">(batch, length), with 1 for tokens that are attended to and 0 for others; null attends to all.</param>
    public Tensor[] HiddenStates(Tensor embedded, Tensor? attentionMask)
    {
        long length = embedded.shape[1];
        if (length > _config.MaxPositionEmbeddings)
        {
            throw new ArgumentException(
                $"The text has {length} tokens, the model takes at most {_config.MaxPositionEmbeddings}",
                nameof(embedded)
            );
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor x = embedded + _positionEmbedding.Rows(0, length);
        Tensor[] states = attentionMask is null
            ? _encoder.Forward(x, isCausal: true)
            : _encoder.Forward(x, Masks.Causal(attentionMask, x.dtype));
        return [.. states.Select(state => state.MoveToOuterDisposeScope())];
    }

    /// <summary>Returns the state at the first end token of each text.</summary>
    /// <param name="states">(batch, length, features)</param>
    /// <returns>(batch, features)</returns>
    public Tensor Pool(Tensor states, Tensor inputIds)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = inputIds.to(ScalarType.Int64);
        Tensor ends = _config.EosTokenId is null or MistakenEosTokenId
            ? ids.argmax(-1)
            : (ids == _config.EosTokenId.Value).to(ScalarType.Int64).argmax(-1);
        Tensor index = ends.view(-1, 1, 1).expand(-1, 1, states.shape[2]);
        return states.gather(1, index).squeeze(1).MoveToOuterDisposeScope();
    }
}
