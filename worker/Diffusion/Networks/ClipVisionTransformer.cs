using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Networks;

/// <summary>CLIP's vision transformer, which vision models, safety checkers and CLIPSeg have.</summary>
internal sealed class ClipVisionTransformer
{
    private readonly ClipVisionConfig _config;
    private readonly Parameter _classEmbedding;
    private readonly Conv2d _patchEmbedding;
    private readonly Embedding _positionEmbedding;
    private readonly LayerNorm _preLayerNorm;
    private readonly ClipEncoder _encoder;
    private readonly LayerNorm _postLayerNorm;

    public ClipVisionTransformer(NetworkWeights w, ClipVisionConfig config)
    {
        _config = config;
        NetworkWeights embeddings = w["embeddings"];
        _classEmbedding = embeddings.Take("class_embedding", config.HiddenSize);
        _patchEmbedding = new Conv2d(
            embeddings["patch_embedding"],
            config.NumChannels,
            config.HiddenSize,
            config.PatchSize,
            config.PatchSize,
            padding: 0,
            bias: false
        );
        _positionEmbedding = new Embedding(embeddings["position_embedding"], config.Grid * config.Grid + 1, config.HiddenSize);
        // The name is misspelt in every checkpoint
        _preLayerNorm = new LayerNorm(w["pre_layrnorm"], config.HiddenSize, config.LayerNormEps);
        _encoder = new ClipEncoder(w["encoder"], ClipLayerSizes.Of(config), config.NumHiddenLayers);
        _postLayerNorm = new LayerNorm(w["post_layernorm"], config.HiddenSize, config.LayerNormEps);
    }

    /// <summary>Returns all hidden states, the embeddings first, in the caller's scope.</summary>
    /// <param name="pixels">(batch, channels, height, width), normalised</param>
    /// <param name="interpolatePositions">
    /// Whether the model's positions are interpolated for pictures of another size than the model's; otherwise such pictures are refused.
    /// </param>
    public Tensor[] HiddenStates(Tensor pixels, bool interpolatePositions = false)
    {
        long height = pixels.shape[2],
            width = pixels.shape[3];
        if (!interpolatePositions && (height != _config.ImageSize || width != _config.ImageSize))
        {
            throw new ArgumentException(
                $"The picture is {width} x {height}, the model takes {_config.ImageSize} x {_config.ImageSize}",
                nameof(pixels)
            );
        }
        using DisposeScope scope = NewDisposeScope();
        Tensor patches = FeatureMap.ToSequence(_patchEmbedding.Forward(pixels));
        Tensor first = _classEmbedding.Value.view(1, 1, -1).expand(pixels.shape[0], 1, -1);
        Tensor embedded = torch.cat([first, patches], 1) + Positions(height / _config.PatchSize, width / _config.PatchSize);
        Tensor[] states = _encoder.Forward(_preLayerNorm.Forward(embedded));
        return [.. states.Select(state => state.MoveToOuterDisposeScope())];
    }

    /// <summary>Returns the normalised state of the class token.</summary>
    /// <param name="state">(batch, 1 + patches, features)</param>
    /// <returns>(batch, features)</returns>
    public Tensor Pool(Tensor state)
    {
        using DisposeScope scope = NewDisposeScope();
        return _postLayerNorm.Forward(state.select(1, 0)).MoveToOuterDisposeScope();
    }

    private Tensor Positions(long rows, long columns)
    {
        long grid = _config.Grid;
        Tensor all = _positionEmbedding.Rows(0, grid * grid + 1).unsqueeze(0);
        if (rows == grid && columns == grid)
        {
            return all;
        }
        // (1, grid*grid, f) -> (1, f, grid, grid) -> (1, f, rows, columns) -> (1, rows*columns, f)
        Tensor map = FeatureMap.FromSequence(all.narrow(1, 1, grid * grid), grid, grid).to(ScalarType.Float32).contiguous();
        Tensor stretched = F.interpolate(map, [rows, columns], mode: InterpolationMode.Bicubic, align_corners: false).to(all.dtype);
        return torch.cat([all.narrow(1, 0, 1), FeatureMap.ToSequence(stretched)], 1);
    }
}
