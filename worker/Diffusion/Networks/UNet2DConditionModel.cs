using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Networks;

/// <summary>
/// The UNet of Stable Diffusion 1.x, 2.x and XL (https://arxiv.org/abs/2112.10752, https://arxiv.org/abs/2307.01952), which predicts noise
/// or velocity from noisy latents, a timestep and an embedded prompt. All its variants are described by <see cref="UNetConfig"/>.
/// </summary>
public sealed class UNet2DConditionModel : Network
{
    private readonly UNetBody _body;

    /// <exception cref="WeightsException">The weights are not those of <paramref name="config"/>.</exception>
    public UNet2DConditionModel(UNetConfig config, NetworkWeights weights)
        : base(weights)
    {
        Config = config;
        _body = new UNetBody(weights, config);
        Finish(weights);
    }

    public UNetConfig Config { get; }

    /// <summary>Predicts for one timestep for the whole batch.</summary>
    /// <inheritdoc cref="Forward(Tensor, Tensor, Tensor, UNetConditions?)"/>
    public Tensor Forward(Tensor sample, double timestep, Tensor encoderHiddenStates, UNetConditions? conditions = null)
    {
        using Tensor t = torch.tensor(timestep, dtype: ScalarType.Float32, device: sample.device);
        return Forward(sample, t, encoderHiddenStates, conditions);
    }

    /// <summary>Predicts for a timestep per sample.</summary>
    /// <param name="sample">(batch, in channels, height, width), scaled as the scheduler says.</param>
    /// <param name="timestep">(batch), or one number for all.</param>
    /// <param name="encoderHiddenStates">(batch, prompt length, features)</param>
    /// <returns>(batch, out channels, height, width) in the type of <paramref name="sample"/></returns>
    /// <exception cref="ArgumentException">
    /// The config asks for a condition that is not given, or channels or counts are not the network's.
    /// </exception>
    public Tensor Forward(Tensor sample, Tensor timestep, Tensor encoderHiddenStates, UNetConditions? conditions = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor predicted = _body.Forward(ToOwn(sample), timestep, ToOwn(encoderHiddenStates), conditions ?? UNetConditions.None);
        return ToCaller(predicted, sample).MoveToOuterDisposeScope();
    }
}
