using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Diffusion.Networks;

/// <summary>
/// A copy of a UNet's down path that takes a control picture, and computes residuals that are added to the UNet's skip connections
/// (https://arxiv.org/abs/2302.05543).
/// </summary>
public sealed class ControlNetModel : Network
{
    // In guess mode the shallowest residual has a tenth of the deepest one's weight
    private const double GuessModeDecades = 1;

    private readonly Conv2d _convIn;
    private readonly UNetTimeEmbedding _time;
    private readonly Linear? _encoderHidProj;
    private readonly Conv2d _condIn;
    private readonly Conv2d[] _condBlocks;
    private readonly Conv2d _condOut;
    private readonly UNetDownStage[] _down;
    private readonly UNetLayer[]? _mid;
    private readonly Conv2d[] _controlDown;
    private readonly Conv2d _controlMid;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public ControlNetModel(ControlNetConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        int first = config.BlockOutChannels[0],
            last = config.BlockOutChannels[^1];
        int[] blocks = [.. Enumerable.Range(0, config.Blocks)];
        int[] condChannels = [.. config.ConditioningEmbeddingOutChannels];
        NetworkWeights cond = weights["controlnet_cond_embedding"];
        var stages = new UNetStages(config);
        _convIn = new Conv2d(weights["conv_in"], config.InChannels, first);
        _time = new UNetTimeEmbedding(weights, config);
        _encoderHidProj = config.EncoderHidDim is int size
            ? new Linear(weights["encoder_hid_proj"], size, config.CrossAttentionDim[0])
            : null;
        _condIn = new Conv2d(cond["conv_in"], config.ConditioningChannels, condChannels[0]);
        // Pairs: one convolution at the same size, one that halves
        _condBlocks =
        [
            .. Enumerable
                .Range(0, (condChannels.Length - 1) * 2)
                .Select(i =>
                    i % 2 == 0
                        ? new Conv2d(cond["blocks"][i], condChannels[i / 2], condChannels[i / 2])
                        : new Conv2d(cond["blocks"][i], condChannels[i / 2], condChannels[i / 2 + 1], stride: 2)
                ),
        ];
        _condOut = new Conv2d(cond["conv_out"], condChannels[^1], first);
        _down = [.. blocks.Select(block => stages.Down(weights["down_blocks"][block], block))];
        _mid = stages.Mid(weights["mid_block"]);
        int[] skipChannels =
        [
            first,
            .. blocks.SelectMany(block =>
                Enumerable.Repeat(config.BlockOutChannels[block], config.LayersPerBlock[block] + (block < config.Blocks - 1 ? 1 : 0))
            ),
        ];
        _controlDown =
        [
            .. skipChannels.Select((channels, i) => new Conv2d(weights["controlnet_down_blocks"][i], channels, channels, kernel: 1)),
        ];
        _controlMid = new Conv2d(weights["controlnet_mid_block"], last, last, kernel: 1);
        Finish(weights);
    }

    public ControlNetConfig Config { get; }

    /// <summary>Computes the residuals for one timestep for the whole batch.</summary>
    /// <inheritdoc cref="Forward(Tensor, Tensor, Tensor, Tensor, double, bool, UNetConditions?)"/>
    public ControlNetOutput Forward(
        Tensor sample,
        double timestep,
        Tensor encoderHiddenStates,
        Tensor controlnetCond,
        double conditioningScale = 1,
        bool guessMode = false,
        UNetConditions? conditions = null
    )
    {
        using Tensor t = torch.tensor(timestep, dtype: ScalarType.Float32, device: sample.device);
        return Forward(sample, t, encoderHiddenStates, controlnetCond, conditioningScale, guessMode, conditions);
    }

    /// <summary>Computes the residuals for a timestep per sample.</summary>
    /// <param name="sample">(batch, in channels, height, width), as the UNet takes it</param>
    /// <param name="timestep">(batch), or one number for all</param>
    /// <param name="encoderHiddenStates">(batch, prompt length, features)</param>
    /// <param name="controlnetCond">(batch, conditioning channels, height * 8, width * 8) in 0..1</param>
    /// <param name="conditioningScale">A factor that all residuals are multiplied by.</param>
    /// <param name="guessMode">Whether shallow residuals are weakened: by factors from 0.1 for the first to 1 for the middle.</param>
    /// <returns>The residuals, in the caller's scope, in the type of <paramref name="sample"/>.</returns>
    /// <exception cref="ArgumentException">The control picture's size does not fit the sample's, or a condition is missing.</exception>
    public ControlNetOutput Forward(
        Tensor sample,
        Tensor timestep,
        Tensor encoderHiddenStates,
        Tensor controlnetCond,
        double conditioningScale = 1,
        bool guessMode = false,
        UNetConditions? conditions = null
    )
    {
        conditions ??= UNetConditions.None;
        using DisposeScope scope = NewDisposeScope();
        Tensor x = _convIn.Forward(TorchExtras.channels_last(ToOwn(sample)));
        Tensor control = Control(ToOwn(controlnetCond));
        if (control.shape[2] != x.shape[2] || control.shape[3] != x.shape[3])
        {
            throw new ArgumentException(
                $"The control picture is {controlnetCond.shape[3]} x {controlnetCond.shape[2]}, which makes {control.shape[3]} x "
                    + $"{control.shape[2]}, but the latents are {x.shape[3]} x {x.shape[2]}",
                nameof(controlnetCond)
            );
        }
        Tensor context = ToOwn(encoderHiddenStates);
        var call = new UNetCall(
            _time.Forward(timestep, sample.shape[0], conditions, Dtype),
            _encoderHidProj?.Forward(context) ?? context,
            Masks.ToBias(conditions.EncoderAttentionMask, Dtype)
        );
        var skips = new List<Tensor> { x.add_(control) };
        UNetBlocks.Down(_down, call, skips);
        Tensor mid = _mid is null ? skips[^1] : UNetBlocks.Chain(_mid, skips[^1], call);
        int count = skips.Count;
        Tensor[] down = [.. skips.Select((skip, i) => Residual(_controlDown[i], skip, Scale(i), sample).MoveToOuterDisposeScope())];
        return new ControlNetOutput(down, Residual(_controlMid, mid, Scale(count), sample).MoveToOuterDisposeScope());

        double Scale(int i) =>
            conditioningScale * (guessMode && !Config.GlobalPoolConditions ? Math.Pow(10, GuessModeDecades * ((double)i / count - 1)) : 1);
    }

    private Tensor Control(Tensor picture)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Config.ControlnetConditioningChannelOrder == ChannelOrder.Bgr ? picture.flip(1) : picture;
        Tensor h = F.silu(_condIn.Forward(TorchExtras.channels_last(x)));
        foreach (Conv2d block in _condBlocks)
        {
            Scoped.Swap(ref h, F.silu(block.Forward(h)));
        }
        return _condOut.Forward(h).MoveToOuterDisposeScope();
    }

    private Tensor Residual(Conv2d conv, Tensor x, double scale, Tensor like)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor residual = conv.Forward(x) * scale;
        if (Config.GlobalPoolConditions)
        {
            residual = residual.mean([2, 3], keepdim: true);
        }
        return residual.to(like.dtype).MoveToOuterDisposeScope();
    }
}

/// <summary>The residuals that a <see cref="ControlNetModel"/> adds to a UNet's skip connections, in the caller's scope.</summary>
/// <param name="Down">One per skip connection, from the input convolution downwards.</param>
/// <param name="Mid">The residual for the middle block's output.</param>
public sealed record ControlNetOutput(IReadOnlyList<Tensor> Down, Tensor Mid) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor residual in Down)
        {
            residual.Dispose();
        }
        Mid.Dispose();
    }
}
