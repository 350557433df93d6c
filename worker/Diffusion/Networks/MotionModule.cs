using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// A transformer along the frames of a video, at each position of the feature map by itself (https://arxiv.org/abs/2307.04725).
/// </summary>
internal sealed class MotionModule
{
    private readonly GroupNorm _norm;
    private readonly Linear _projIn;
    private readonly BasicTransformerBlock[] _blocks;
    private readonly Linear _projOut;
    private readonly int _maxFrames;

    public MotionModule(NetworkWeights w, int channels, int heads, int layers, int groups, int maxFrames)
    {
        _maxFrames = maxFrames;
        _norm = new GroupNorm(w["norm"], groups, channels, eps: 1e-6);
        _projIn = new Linear(w["proj_in"], channels, channels);
        _blocks =
        [
            .. Enumerable
                .Range(0, layers)
                .Select(i => new BasicTransformerBlock(w["transformer_blocks"][i], channels, heads, null, positions: true)),
        ];
        _projOut = new Linear(w["proj_out"], channels, channels);
    }

    /// <param name="x">(batch * frames, channels, height, width)</param>
    public Tensor Forward(Tensor x, int frames)
    {
        if (frames > _maxFrames)
        {
            throw new ArgumentException($"The video has {frames} frames, the motion adapter takes at most {_maxFrames}", nameof(frames));
        }
        using DisposeScope scope = NewDisposeScope();
        long batch = x.shape[0] / frames,
            channels = x.shape[1],
            height = x.shape[2],
            width = x.shape[3];
        // (b*f, c, h, w) -> (b, c, f, h, w): the norm's statistics span all frames
        Tensor h = _norm.Forward(x.reshape(batch, frames, channels, height, width).permute(0, 2, 1, 3, 4));
        // (b, c, f, h, w) -> (b*h*w, f, c)
        h = _projIn.Forward(h.permute(0, 3, 4, 2, 1).reshape(batch * height * width, frames, channels));
        foreach (BasicTransformerBlock block in _blocks)
        {
            Scoped.Swap(ref h, block.Forward(h));
        }
        Scoped.Swap(ref h, _projOut.Forward(h));
        // (b*h*w, f, c) -> (b*f, c, h, w)
        Tensor back = h.view(batch, height, width, frames, channels)
            .permute(0, 3, 4, 1, 2)
            .reshape(batch * frames, channels, height, width);
        return (back + x).MoveToOuterDisposeScope();
    }
}

/// <summary>Builds the motion modules of an adapter where a UNet's stages have a place for them.</summary>
/// <param name="weights">The root of the adapter's weights.</param>
/// <param name="groups">
/// The number of groups of the norms: the UNet's, which the reference implementation uses instead of motion_norm_num_groups.
/// </param>
internal sealed class MotionModules(NetworkWeights weights, MotionAdapterConfig config, int groups)
{
    public MotionModule[] Down(int block, int channels, int layers) =>
        Stage(weights["down_blocks"][block], block, channels, layers, extra: 0);

    public MotionModule[] Up(int block, int channels, int layers) =>
        Stage(weights["up_blocks"][block], config.BlockOutChannels.Count - 1 - block, channels, layers, extra: 1);

    /// <summary>Null when the adapter has no module for the middle block, as its first versions.</summary>
    public MotionModule? Mid(int channels) =>
        config.UseMotionMidBlock
            ? Module(
                weights["mid_block"]["motion_modules"][0],
                config.BlockOutChannels.Count - 1,
                channels,
                config.MotionTransformerLayersPerMidBlock[0]
            )
            : null;

    private MotionModule[] Stage(NetworkWeights w, int block, int channels, int layers, int extra)
    {
        ConfigCheck.Require(
            config.BlockOutChannels[block] == channels,
            "block_out_channels",
            config.BlockOutChannels[block],
            $"of the motion adapter must be the UNet's {channels}"
        );
        ConfigCheck.Require(
            config.MotionLayersPerBlock[block] + extra == layers,
            "motion_layers_per_block",
            config.MotionLayersPerBlock[block],
            $"must be the UNet's {layers - extra}"
        );
        return
        [
            .. Enumerable
                .Range(0, layers)
                .Select(i => Module(w["motion_modules"][i], block, channels, config.MotionTransformerLayersPerBlock[block][i])),
        ];
    }

    private MotionModule Module(NetworkWeights w, int block, int channels, int layers) =>
        new(w, channels, config.MotionNumAttentionHeads[block], layers, groups, config.MotionMaxSeqLength);
}
