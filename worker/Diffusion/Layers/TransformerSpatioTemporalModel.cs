using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Transformer blocks over the positions of each frame, each followed by one along the frames and a blend of the two.</summary>
internal sealed class TransformerSpatioTemporalModel
{
    private readonly GroupNorm _norm;
    private readonly Linear _projIn;
    private readonly Linear _projOut;
    private readonly BasicTransformerBlock[] _spatial;
    private readonly TemporalTransformerBlock[] _temporal;
    private readonly Timesteps _timeProj;
    private readonly TimestepEmbedding _timePosEmbed;
    private readonly TimeMixer _mixer;

    public TransformerSpatioTemporalModel(NetworkWeights w, int channels, int heads, int layers, int crossAttentionDim)
    {
        int[] all = [.. Enumerable.Range(0, layers)];
        _norm = new GroupNorm(w["norm"], SpatioTemporalResBlock.Groups, channels, eps: 1e-6);
        _projIn = new Linear(w["proj_in"], channels, channels);
        _projOut = new Linear(w["proj_out"], channels, channels);
        _spatial = [.. all.Select(i => new BasicTransformerBlock(w["transformer_blocks"][i], channels, heads, crossAttentionDim))];
        _temporal =
        [
            .. all.Select(i => new TemporalTransformerBlock(w["temporal_transformer_blocks"][i], channels, heads, crossAttentionDim)),
        ];
        _timeProj = new Timesteps(channels, FlipSinToCos: true, FreqShift: 0);
        _timePosEmbed = new TimestepEmbedding(w["time_pos_embed"], channels, channels * 4, outFeatures: channels);
        _mixer = new TimeMixer(w["time_mixer"]);
    }

    /// <param name="x">(batch * frames, channels, height, width)</param>
    /// <param name="context">(batch * frames, context length, context features)</param>
    public Tensor Forward(Tensor x, Tensor context, int frames)
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = x.shape[0] / frames;
        // Along the frames every position looks at the first frame's context: (b*f, n, d) -> (b, n, d)
        Tensor timeContext = context.view(batch, frames, context.shape[1], context.shape[2]).select(1, 0);
        Tensor positions = _timeProj.Forward(torch.arange(frames, device: x.device)).to(x.dtype);
        Tensor frameEmbedding = _timePosEmbed.Forward(positions).repeat(batch, 1).unsqueeze(1);
        Tensor h = _projIn.Forward(FeatureMap.ToSequence(_norm.Forward(x)));
        for (int i = 0; i < _spatial.Length; i++)
        {
            Scoped.Swap(ref h, _spatial[i].Forward(h, context));
            using Tensor moved = h + frameEmbedding;
            using Tensor temporal = _temporal[i].Forward(moved, timeContext, frames);
            Scoped.Swap(ref h, _mixer.Forward(h, temporal));
        }
        Tensor map = FeatureMap.FromSequence(_projOut.Forward(h), x.shape[2], x.shape[3]);
        return (map + x).MoveToOuterDisposeScope();
    }
}

/// <summary>A transformer block along the frames, at each position by itself, with an MLP before it.</summary>
internal sealed class TemporalTransformerBlock
{
    private readonly LayerNorm _normIn;
    private readonly FeedForward _ffIn;
    private readonly LayerNorm _norm1;
    private readonly Attention _attn1;
    private readonly LayerNorm _norm2;
    private readonly Attention _attn2;
    private readonly LayerNorm _norm3;
    private readonly FeedForward _ff;

    public TemporalTransformerBlock(NetworkWeights w, int features, int heads, int crossAttentionDim)
    {
        _normIn = new LayerNorm(w["norm_in"], features);
        _ffIn = new FeedForward(w["ff_in"], features);
        _norm1 = new LayerNorm(w["norm1"], features);
        _attn1 = new Attention(w["attn1"], features, heads);
        _norm2 = new LayerNorm(w["norm2"], features);
        _attn2 = new Attention(w["attn2"], features, heads, crossAttentionDim);
        _norm3 = new LayerNorm(w["norm3"], features);
        _ff = new FeedForward(w["ff"], features);
    }

    /// <param name="x">(batch * frames, positions, features)</param>
    /// <param name="context">(batch, context length, context features)</param>
    public Tensor Forward(Tensor x, Tensor context, int frames)
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = x.shape[0] / frames,
            positions = x.shape[1],
            features = x.shape[2];
        // (b*f, p, c) -> (b*p, f, c)
        Tensor h = x.view(batch, frames, positions, features).permute(0, 2, 1, 3).reshape(batch * positions, frames, features);
        h = h + _ffIn.Forward(_normIn.Forward(h));
        h = h.add_(_attn1.Forward(_norm1.Forward(h)));
        h = h.add_(_attn2.Forward(_norm2.Forward(h), context));
        h = h.add_(_ff.Forward(_norm3.Forward(h)));
        // (b*p, f, c) -> (b*f, p, c)
        return h.view(batch, positions, frames, features)
            .permute(0, 2, 1, 3)
            .reshape(batch * frames, positions, features)
            .MoveToOuterDisposeScope();
    }
}
