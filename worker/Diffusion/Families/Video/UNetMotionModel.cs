using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Video;

/// <summary>
/// A UNet for pictures with AnimateDiff's motion modules between its layers, which denoises the frames of a video together
/// (https://arxiv.org/abs/2307.04725).
/// </summary>
public sealed class UNetMotionModel : Network
{
    private readonly UNetBody _body;

    /// <param name="weights">The weights of the UNet for pictures.</param>
    /// <param name="motionWeights">The weights of the motion adapter.</param>
    /// <exception cref="WeightsException">The weights are not those of the configs.</exception>
    /// <exception cref="ConfigException">The adapter is for a UNet of other sizes.</exception>
    public UNetMotionModel(UNetConfig config, NetworkWeights weights, MotionAdapterConfig motionConfig, NetworkWeights motionWeights)
        : base(weights)
    {
        Config = config;
        MotionConfig = motionConfig;
        ConfigCheck.Require(
            motionConfig.BlockOutChannels.Count == config.Blocks,
            "block_out_channels",
            motionConfig.BlockOutChannels.Count,
            $"of the motion adapter must have the UNet's {config.Blocks} values"
        );
        _body = new UNetBody(weights, config, new MotionModules(motionWeights, motionConfig, config.NormNumGroups));
        Finish(weights);
        try
        {
            MotionParameters = motionWeights.Finish();
        }
        catch
        {
            Parameters.Dispose();
            throw;
        }
    }

    public UNetConfig Config { get; }

    public MotionAdapterConfig MotionConfig { get; }

    /// <summary>The motion adapter's weights.</summary>
    public ParameterStore MotionParameters { get; }

    /// <summary>Predicts for one timestep for the whole batch.</summary>
    /// <inheritdoc cref="Forward(Tensor, Tensor, Tensor, UNetConditions?)"/>
    public Tensor Forward(Tensor sample, double timestep, Tensor encoderHiddenStates, UNetConditions? conditions = null)
    {
        using Tensor t = torch.tensor(timestep, dtype: ScalarType.Float32, device: sample.device);
        return Forward(sample, t, encoderHiddenStates, conditions);
    }

    /// <summary>Predicts for a timestep per video.</summary>
    /// <param name="sample">(batch, in channels, frames, height, width)</param>
    /// <param name="timestep">(batch), or one number for all</param>
    /// <param name="encoderHiddenStates">(batch, prompt length, features), or (batch * frames, ...) for a prompt per frame</param>
    /// <returns>(batch, out channels, frames, height, width) in the type of <paramref name="sample"/></returns>
    public Tensor Forward(Tensor sample, Tensor timestep, Tensor encoderHiddenStates, UNetConditions? conditions = null)
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = sample.shape[0],
            frames = sample.shape[2];
        // (b, c, f, h, w) -> (b*f, c, h, w)
        Tensor x = ToOwn(sample).permute(0, 2, 1, 3, 4).reshape(batch * frames, sample.shape[1], sample.shape[3], sample.shape[4]);
        Tensor context = ToOwn(encoderHiddenStates);
        if (context.shape[0] == batch)
        {
            context = context.repeat_interleave(frames, 0);
        }
        Tensor predicted = _body.Forward(x, timestep, context, conditions ?? UNetConditions.None, (int)frames);
        // (b*f, c, h, w) -> (b, c, f, h, w)
        Tensor video = predicted.reshape(batch, frames, predicted.shape[1], predicted.shape[2], predicted.shape[3]).permute(0, 2, 1, 3, 4);
        return ToCaller(video, sample).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            MotionParameters.Dispose();
        }
        base.Dispose(disposing);
    }
}
