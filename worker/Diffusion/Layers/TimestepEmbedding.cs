using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>Sinusoidal embedding of numbers, as in "Attention is all you need", computed in float32.</summary>
/// <param name="Size">The length of the vector.</param>
/// <param name="FlipSinToCos">Whether the cosines come first.</param>
/// <param name="FreqShift">What is subtracted from the number of frequencies when their exponents are spread.</param>
public sealed record Timesteps(int Size, bool FlipSinToCos, double FreqShift)
{
    private const double MaxPeriod = 10000;

    /// <param name="values">(n), any number type</param>
    /// <returns>(n, <see cref="Size"/>), float32</returns>
    public Tensor Forward(Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        int half = Size / 2;
        Tensor exponent = torch.arange(0, half, dtype: ScalarType.Float32, device: values.device) * -Math.Log(MaxPeriod);
        Tensor frequencies = torch.exp(exponent / (half - FreqShift));
        Tensor angles = values.to(ScalarType.Float32).unsqueeze(-1) * frequencies.unsqueeze(0);
        Tensor sin = torch.sin(angles),
            cos = torch.cos(angles);
        Tensor result = torch.cat(FlipSinToCos ? [cos, sin] : [sin, cos], -1);
        if (Size % 2 == 1)
        {
            result = torch.nn.functional.pad(result, [0, 1]);
        }
        return result.MoveToOuterDisposeScope();
    }
}

/// <summary>Sinusoidal embedding of numbers with frequencies from the checkpoint, computed in float32.</summary>
internal sealed class FourierTimesteps
{
    private readonly Parameter _weight;
    private readonly bool _flipSinToCos;

    /// <param name="size">The length of the vector.</param>
    public FourierTimesteps(NetworkWeights w, int size, bool flipSinToCos)
    {
        _weight = w.Take("weight", size / 2);
        _flipSinToCos = flipSinToCos;
    }

    /// <param name="values">(n), any number type</param>
    /// <returns>(n, size), float32</returns>
    public Tensor Forward(Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor angles = values.to(ScalarType.Float32).unsqueeze(-1) * _weight.Value.to(ScalarType.Float32).unsqueeze(0) * (2 * Math.PI);
        Tensor sin = torch.sin(angles),
            cos = torch.cos(angles);
        return torch.cat(_flipSinToCos ? [cos, sin] : [sin, cos], -1).MoveToOuterDisposeScope();
    }
}

/// <summary>Linear layer, activation, linear layer: turns sinusoidal or other vectors into an embedding for conditioning.</summary>
public sealed class TimestepEmbedding
{
    private readonly Linear _linear1;
    private readonly Linear _linear2;
    private readonly Linear? _condProj;
    private readonly Activation _activation;
    private readonly Activation? _postActivation;

    /// <param name="outFeatures">The number of output features; null for as many as the hidden layer has.</param>
    /// <param name="condFeatures">The size of a second vector that is projected and added to the first; null for none.</param>
    public TimestepEmbedding(
        NetworkWeights w,
        int inFeatures,
        int features,
        Activation activation = Activation.Silu,
        Activation? postActivation = null,
        int? condFeatures = null,
        int? outFeatures = null
    )
    {
        _linear1 = new Linear(w["linear_1"], inFeatures, features);
        _linear2 = new Linear(w["linear_2"], features, outFeatures ?? features);
        _condProj = condFeatures is int cond ? new Linear(w["cond_proj"], cond, inFeatures, bias: false) : null;
        _activation = activation;
        _postActivation = postActivation;
    }

    /// <param name="x">(batch, in features)</param>
    /// <param name="condition">(batch, condition features)</param>
    public Tensor Forward(Tensor x, Tensor? condition = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = _condProj is not null && condition is not null ? x + _condProj.Forward(condition) : x;
        h = _linear2.Forward(_activation.Apply(_linear1.Forward(h)));
        return (_postActivation?.Apply(h) ?? h).MoveToOuterDisposeScope();
    }
}
