using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Vision;

/// <summary>
/// CLIPSeg's decoder: a small transformer over reduced hidden states of the vision model, deepest first, in which the text modulates one
/// layer's input (FiLM).
/// </summary>
internal sealed class ClipSegDecoder
{
    private readonly ClipSegConfig _config;
    private readonly Linear _filmMul;
    private readonly Linear _filmAdd;
    private readonly Linear[] _reduces;
    private readonly DecoderLayer[] _layers;
    private readonly Conv2d? _convolution;
    private readonly (Parameter Weight, Parameter Bias, int Size)[] _enlargements;

    public ClipSegDecoder(NetworkWeights w, ClipSegConfig config)
    {
        _config = config;
        int reduced = config.ReduceDim,
            patch = config.VisionConfig.PatchSize;
        int[] layers = [.. Enumerable.Range(0, config.ExtractLayers.Count)];
        var sizes = new ClipLayerSizes(
            reduced,
            config.DecoderIntermediateSize,
            config.DecoderNumAttentionHeads,
            Activation.Relu,
            config.VisionConfig.LayerNormEps
        );
        _filmMul = new Linear(w["film_mul"], config.ProjectionDim, reduced);
        _filmAdd = new Linear(w["film_add"], config.ProjectionDim, reduced);
        _reduces = [.. layers.Select(i => new Linear(w["reduces"][i], config.VisionConfig.HiddenSize, reduced))];
        _layers = [.. layers.Select(i => new DecoderLayer(w["layers"][i], sizes))];
        NetworkWeights enlarge = w["transposed_convolution"];
        if (config.UseComplexTransposedConvolution)
        {
            _convolution = new Conv2d(enlarge[0], reduced, reduced);
            _enlargements = [Enlargement(enlarge[2], reduced, reduced / 2, patch / 4), Enlargement(enlarge[4], reduced / 2, 1, patch / 4)];
        }
        else
        {
            _enlargements = [Enlargement(enlarge, reduced, 1, patch)];
        }
    }

    /// <param name="activations">(batch, 1 + patches, features) each</param>
    /// <param name="condition">(batch, projection_dim)</param>
    /// <returns>(batch, side, side)</returns>
    public Tensor Forward(IReadOnlyList<Tensor> activations, Tensor condition)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? h = null;
        for (int i = 0; i < _layers.Length; i++)
        {
            Tensor reduced = _reduces[i].Forward(activations[activations.Count - 1 - i]);
            h = h is null ? reduced : reduced + h;
            if (i == _config.ConditionalLayer)
            {
                h = _filmMul.Forward(condition).unsqueeze(1) * h + _filmAdd.Forward(condition).unsqueeze(1);
            }
            h = _layers[i].Forward(h);
        }
        // The class token goes; what is left is a square of patches
        Tensor patches = h!.narrow(1, 1, h.shape[1] - 1);
        long side = (long)Math.Sqrt(patches.shape[1]);
        Tensor map = FeatureMap.FromSequence(patches.contiguous(), side, side).contiguous();
        if (_convolution is not null)
        {
            map = F.relu(_convolution.Forward(map));
        }
        for (int i = 0; i < _enlargements.Length; i++)
        {
            map = Enlarge(i == 0 ? map : F.relu(map), _enlargements[i]);
        }
        return map.squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>A transposed convolution whose stride is its kernel's size: each position becomes a square of pixels by itself.</summary>
    /// <param name="x">(batch, in channels, height, width)</param>
    /// <returns>(batch, out channels, height * size, width * size)</returns>
    private static Tensor Enlarge(Tensor x, (Parameter Weight, Parameter Bias, int Size) by)
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = x.shape[0],
            height = x.shape[2],
            width = x.shape[3],
            outChannels = by.Weight.Shape[1],
            size = by.Size;
        // (b, h*w, in) x (in, out*size*size) -> (b, h, w, out, size, size) -> (b, out, h, size, w, size)
        Tensor squares = TorchExtras
            .product(FeatureMap.ToSequence(x), by.Weight.Value.flatten(1))
            .view(batch, height, width, outChannels, size, size);
        Tensor map = squares.permute(0, 3, 1, 4, 2, 5).reshape(batch, outChannels, height * size, width * size);
        return (map + by.Bias.Value.view(1, -1, 1, 1)).MoveToOuterDisposeScope();
    }

    private static (Parameter Weight, Parameter Bias, int Size) Enlargement(NetworkWeights w, int inChannels, int outChannels, int size) =>
        (w.Take("weight", inChannels, outChannels, size, size), w.Take("bias", outChannels), size);

    /// <summary>A CLIP layer with the norms after the sums.</summary>
    private sealed class DecoderLayer(NetworkWeights w, ClipLayerSizes sizes)
    {
        private readonly ClipAttention _selfAttn = new(w["self_attn"], sizes.Features, sizes.Heads);
        private readonly LayerNorm _layerNorm1 = new(w["layer_norm1"], sizes.Features, sizes.Eps);
        private readonly ClipMlp _mlp = new(w["mlp"], sizes);
        private readonly LayerNorm _layerNorm2 = new(w["layer_norm2"], sizes.Features, sizes.Eps);

        public Tensor Forward(Tensor x)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor h = _layerNorm1.Forward(x + _selfAttn.Forward(x, mask: null, isCausal: false));
            return _layerNorm2.Forward(h + _mlp.Forward(h)).MoveToOuterDisposeScope();
        }
    }
}
