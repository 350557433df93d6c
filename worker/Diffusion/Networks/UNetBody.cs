using Generation.Diffusion.Layers;
using Generation.Diffusion.Weights;
using Generation.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// All layers of a UNet, from the input convolution to the output convolution, with or without motion modules in between.
/// </summary>
internal sealed class UNetBody
{
    private readonly UNetConfig _config;
    private readonly Conv2d _convIn;
    private readonly UNetTimeEmbedding _time;
    private readonly Linear? _encoderHidProj;
    private readonly UNetDownStage[] _down;
    private readonly UNetLayer[]? _mid;
    private readonly UNetUpStage[] _up;
    private readonly GroupNorm _convNormOut;
    private readonly Conv2d _convOut;

    /// <param name="w">The root of the network's weights.</param>
    public UNetBody(NetworkWeights w, UNetConfig config, MotionModules? motion = null)
    {
        _config = config;
        int first = config.BlockOutChannels[0];
        int[] blocks = [.. Enumerable.Range(0, config.Blocks)];
        var stages = new UNetStages(config, motion);
        _convIn = new Conv2d(w["conv_in"], config.InChannels, first, config.ConvInKernel);
        _time = new UNetTimeEmbedding(w, config);
        _encoderHidProj = config.EncoderHidDim is int size ? new Linear(w["encoder_hid_proj"], size, config.CrossAttentionDim[0]) : null;
        _down = [.. blocks.Select(block => stages.Down(w["down_blocks"][block], block))];
        _mid = stages.Mid(w["mid_block"]);
        _up = [.. blocks.Select(block => stages.Up(w["up_blocks"][block], config, block))];
        _convNormOut = new GroupNorm(w["conv_norm_out"], config.NormNumGroups, first, config.NormEps);
        _convOut = new Conv2d(w["conv_out"], first, config.OutChannels, config.ConvOutKernel);
    }

    /// <param name="sample">(batch * frames, in channels, height, width), in the network's type</param>
    /// <param name="timestep">(batch), or one number for all</param>
    /// <param name="encoderHiddenStates">(batch * frames, prompt length, features), in the network's type</param>
    /// <returns>(batch * frames, out channels, height, width)</returns>
    public Tensor Forward(Tensor sample, Tensor timestep, Tensor encoderHiddenStates, UNetConditions conditions, int frames = 1)
    {
        Check(sample, conditions);
        using DisposeScope scope = NewDisposeScope();
        Tensor x = TorchExtras.channels_last(sample);
        if (_config.CenterInputSample)
        {
            x = x * 2 - 1;
        }
        Tensor time = _time.Forward(timestep, sample.shape[0] / frames, conditions, sample.dtype);
        var call = new UNetCall(
            frames == 1 ? time : time.repeat_interleave(frames, 0),
            _encoderHidProj?.Forward(encoderHiddenStates) ?? encoderHiddenStates,
            Masks.ToBias(conditions.EncoderAttentionMask, sample.dtype),
            frames
        );
        var skips = new List<Tensor> { _convIn.Forward(x) };
        UNetBlocks.Down(_down, call, skips);
        Tensor h = _mid is null ? skips[^1].alias() : UNetBlocks.Chain(_mid, skips[^1], call);
        AddResiduals(conditions, skips, ref h);
        h = UNetBlocks.Up(_up, h, call, skips);
        Scoped.Swap(ref h, _convNormOut.Forward(h, _config.ActFn));
        return _convOut.Forward(h).MoveToOuterDisposeScope();
    }

    private static void AddResiduals(UNetConditions conditions, List<Tensor> skips, ref Tensor mid)
    {
        if (conditions.DownResiduals is { } residuals)
        {
            for (int i = 0; i < skips.Count; i++)
            {
                skips[i] = skips[i] + residuals[i].to(mid.dtype);
            }
        }
        if (conditions.MidResidual is { } residual)
        {
            mid = mid + residual.to(mid.dtype);
        }
    }

    private void Check(Tensor sample, UNetConditions conditions)
    {
        if (sample.shape[1] != _config.InChannels)
        {
            throw new ArgumentException(
                $"The sample is ({string.Join(", ", sample.shape)}), but the network takes {_config.InChannels} channels",
                nameof(sample)
            );
        }
        // The convolution in, each layer, and each halving
        int skips = Enumerable.Range(0, _config.Blocks).Sum(block => _config.LayersPerBlock[block]) + _config.Blocks;
        if (conditions.DownResiduals is { } residuals && residuals.Count != skips)
        {
            throw new ArgumentException(
                $"{residuals.Count} residuals are given, but the network has {skips} skip connections",
                nameof(conditions)
            );
        }
    }
}
