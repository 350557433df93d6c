using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>A transformer over the positions of a feature map, added to its input.</summary>
public sealed class Transformer2DModel
{
    private readonly GroupNorm _norm;
    private readonly Conv2d? _convIn;
    private readonly Conv2d? _convOut;
    private readonly Linear? _linearIn;
    private readonly Linear? _linearOut;
    private readonly BasicTransformerBlock[] _blocks;

    /// <param name="useLinear">Whether the projections in and out are linear layers instead of 1x1 convolutions.</param>
    public Transformer2DModel(
        NetworkWeights w,
        int channels,
        int heads,
        int layers,
        int crossAttentionDim,
        int groups,
        bool useLinear,
        bool onlyCross
    )
    {
        _norm = new GroupNorm(w["norm"], groups, channels, eps: 1e-6);
        if (useLinear)
        {
            _linearIn = new Linear(w["proj_in"], channels, channels);
            _linearOut = new Linear(w["proj_out"], channels, channels);
        }
        else
        {
            _convIn = new Conv2d(w["proj_in"], channels, channels, kernel: 1);
            _convOut = new Conv2d(w["proj_out"], channels, channels, kernel: 1);
        }
        _blocks =
        [
            .. Enumerable
                .Range(0, layers)
                .Select(i => new BasicTransformerBlock(w["transformer_blocks"][i], channels, heads, crossAttentionDim, onlyCross)),
        ];
    }

    /// <param name="x">(batch, channels, height, width)</param>
    /// <param name="context">(batch, context length, context features)</param>
    /// <param name="contextMask">
    /// Added to the cross-attention's scores; broadcasts to (batch, heads, height * width, context length).
    /// </param>
    public Tensor Forward(Tensor x, Tensor? context, Tensor? contextMask)
    {
        using DisposeScope scope = NewDisposeScope();
        long height = x.shape[2],
            width = x.shape[3];
        Tensor h = _norm.Forward(x);
        Scoped.Swap(ref h, _convIn is null ? _linearIn!.Forward(FeatureMap.ToSequence(h)) : FeatureMap.ToSequence(_convIn.Forward(h)));
        foreach (BasicTransformerBlock block in _blocks)
        {
            Scoped.Swap(ref h, block.Forward(h, context, contextMask));
        }
        Scoped.Swap(
            ref h,
            _convOut is null
                ? FeatureMap.FromSequence(_linearOut!.Forward(h, added: FeatureMap.ToSequence(x)), height, width)
                : _convOut.Forward(FeatureMap.FromSequence(h, height, width), added: x)
        );
        return h.MoveToOuterDisposeScope();
    }
}
