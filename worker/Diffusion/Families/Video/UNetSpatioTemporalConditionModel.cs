using Generation.Diffusion.Layers;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>
/// The denoising network of Stable Video Diffusion (https://arxiv.org/abs/2311.15127), which denoises all frames of a video at once,
/// conditioned on one picture.
/// </summary>
public sealed class UNetSpatioTemporalConditionModel : Network
{
    // The reference's stages differ in this, and not by a setting
    private const double AttendingDownEps = 1e-6;
    private const double PlainDownEps = 1e-5;
    private const double MidEps = 1e-5;
    private const double UpEps = 1e-6;
    private const double OutEps = 1e-5;

    private readonly Conv2d _convIn;
    private readonly Timesteps _timeProj;
    private readonly TimestepEmbedding _timeEmbedding;
    private readonly Timesteps _addTimeProj;
    private readonly TimestepEmbedding _addEmbedding;
    private readonly UNetDownStage[] _down;
    private readonly UNetLayer[] _mid;
    private readonly UNetUpStage[] _up;
    private readonly GroupNorm _convNormOut;
    private readonly Conv2d _convOut;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public UNetSpatioTemporalConditionModel(UNetSpatioTemporalConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        int first = config.BlockOutChannels[0],
            last = config.BlockOutChannels[^1];
        int[] blocks = [.. Enumerable.Range(0, config.Blocks)];
        TimeEmbedDim = first * 4;
        _convIn = new Conv2d(weights["conv_in"], config.InChannels, first);
        _timeProj = new Timesteps(first, FlipSinToCos: true, FreqShift: 0);
        _timeEmbedding = new TimestepEmbedding(weights["time_embedding"], first, TimeEmbedDim);
        _addTimeProj = new Timesteps(config.AdditionTimeEmbedDim, FlipSinToCos: true, FreqShift: 0);
        _addEmbedding = new TimestepEmbedding(weights["add_embedding"], config.ProjectionClassEmbeddingsInputDim, TimeEmbedDim);
        _down = [.. blocks.Select(block => Down(weights["down_blocks"][block], block))];
        NetworkWeights mid = weights["mid_block"];
        _mid =
        [
            Resnet(mid["resnets"][0], last, last, MidEps),
            Transformer(mid["attentions"][0], config.Blocks - 1, config.TransformerLayersPerBlock[config.Blocks - 1][0]),
            Resnet(mid["resnets"][1], last, last, MidEps),
        ];
        _up = [.. blocks.Select(block => Up(weights["up_blocks"][block], block))];
        _convNormOut = new GroupNorm(weights["conv_norm_out"], SpatioTemporalResBlock.Groups, first, OutEps);
        _convOut = new Conv2d(weights["conv_out"], first, config.OutChannels);
        Finish(weights);
    }

    public UNetSpatioTemporalConfig Config { get; }

    private int TimeEmbedDim { get; }

    /// <summary>Predicts for one timestep for the whole batch.</summary>
    /// <inheritdoc cref="Forward(Tensor, Tensor, Tensor, Tensor)"/>
    public Tensor Forward(Tensor sample, double timestep, Tensor encoderHiddenStates, Tensor addedTimeIds)
    {
        using Tensor t = torch.tensor(timestep, dtype: ScalarType.Float32, device: sample.device);
        return Forward(sample, t, encoderHiddenStates, addedTimeIds);
    }

    /// <summary>Predicts for a timestep per video.</summary>
    /// <param name="sample">(batch, frames, in channels, height, width)</param>
    /// <param name="timestep">(batch), or one number for all</param>
    /// <param name="encoderHiddenStates">(batch, 1, features): CLIP's embedding of the first picture</param>
    /// <param name="addedTimeIds">(batch, 3): frames per second less one, motion bucket, noise on the first picture</param>
    /// <returns>(batch, frames, out channels, height, width) in the type of <paramref name="sample"/></returns>
    public Tensor Forward(Tensor sample, Tensor timestep, Tensor encoderHiddenStates, Tensor addedTimeIds)
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = sample.shape[0],
            frames = sample.shape[1];
        Tensor time = Time(timestep, addedTimeIds, batch);
        var call = new UNetCall(
            time.repeat_interleave(frames, 0),
            ToOwn(encoderHiddenStates).repeat_interleave(frames, 0),
            Frames: (int)frames
        );
        var skips = new List<Tensor> { _convIn.Forward(TorchExtras.channels_last(ToOwn(sample).flatten(0, 1))) };
        UNetBlocks.Down(_down, call, skips);
        Tensor h = UNetBlocks.Up(_up, UNetBlocks.Chain(_mid, skips[^1], call), call, skips);
        Scoped.Swap(ref h, _convNormOut.Forward(h, Activation.Silu));
        Tensor predicted = _convOut.Forward(h);
        Tensor video = ToCaller(predicted, sample).view(batch, frames, predicted.shape[1], predicted.shape[2], predicted.shape[3]);
        return video.MoveToOuterDisposeScope();
    }

    private Tensor Time(Tensor timestep, Tensor addedTimeIds, long batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor emb = _timeEmbedding.Forward(_timeProj.Forward(timestep.reshape(-1).expand(batch)).to(Dtype));
        Tensor added = _addTimeProj.Forward(addedTimeIds.flatten()).view(batch, -1).to(Dtype);
        return Activation.Silu.Apply(emb + _addEmbedding.Forward(added)).MoveToOuterDisposeScope();
    }

    private UNetDownStage Down(NetworkWeights w, int block)
    {
        int outChannels = Config.BlockOutChannels[block],
            inChannels = Config.BlockOutChannels[Math.Max(block - 1, 0)];
        bool attends = Config.DownBlockTypes[block] == SpatioTemporalDownBlockType.CrossAttnDownBlockSpatioTemporal;
        return new UNetDownStage(
            [
                .. Enumerable
                    .Range(0, Config.LayersPerBlock[block])
                    .Select(i =>
                        Step(
                            w,
                            i,
                            Resnet(
                                w["resnets"][i],
                                i == 0 ? inChannels : outChannels,
                                outChannels,
                                attends ? AttendingDownEps : PlainDownEps
                            ),
                            attends,
                            block
                        )
                    ),
            ],
            block < Config.Blocks - 1 ? new Downsample2D(w["downsamplers"][0], outChannels, padding: 1) : null
        );
    }

    private UNetUpStage Up(NetworkWeights w, int block)
    {
        int mirrored = Config.Blocks - 1 - block;
        int outChannels = Config.BlockOutChannels[mirrored];
        int previous = Config.BlockOutChannels[Math.Min(mirrored + 1, Config.Blocks - 1)];
        int skipped = Config.BlockOutChannels[Math.Max(mirrored - 1, 0)];
        bool attends = Config.UpBlockTypes[block] == SpatioTemporalUpBlockType.CrossAttnUpBlockSpatioTemporal;
        int layers = Config.LayersPerBlock[mirrored] + 1;
        return new UNetUpStage(
            [
                .. Enumerable
                    .Range(0, layers)
                    .Select(i =>
                        Step(
                            w,
                            i,
                            Resnet(
                                w["resnets"][i],
                                (i == 0 ? previous : outChannels) + (i == layers - 1 ? skipped : outChannels),
                                outChannels,
                                UpEps
                            ),
                            attends,
                            mirrored
                        )
                    ),
            ],
            block < Config.Blocks - 1 ? new Upsample2D(w["upsamplers"][0], outChannels) : null
        );
    }

    private UNetLayer[] Step(NetworkWeights w, int i, UNetLayer resnet, bool attends, int block) =>
        attends ? [resnet, Transformer(w["attentions"][i], block, Config.TransformerLayersPerBlock[block][i])] : [resnet];

    private UNetLayer Resnet(NetworkWeights w, int inChannels, int outChannels, double eps)
    {
        var block = new SpatioTemporalResBlock(w, inChannels, outChannels, TimeEmbedDim, eps, temporalEps: eps);
        return (x, in call) => block.Forward(x, call.Time, call.Frames);
    }

    private UNetLayer Transformer(NetworkWeights w, int block, int layers)
    {
        var transformer = new TransformerSpatioTemporalModel(
            w,
            Config.BlockOutChannels[block],
            Config.NumAttentionHeads[block],
            layers,
            Config.CrossAttentionDim[block]
        );
        return (x, in call) => transformer.Forward(x, call.Context, call.Frames);
    }
}
