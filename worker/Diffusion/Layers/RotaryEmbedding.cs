using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Layers;

/// <summary>
/// Rotary position embedding: positions as rotations of pairs of features (https://arxiv.org/abs/2104.09864), with one block of features
/// per axis of the positions.
/// </summary>
/// <param name="AxesDims">The number of features that each axis rotates; even numbers.</param>
public sealed record RotaryEmbedding(IReadOnlyList<int> AxesDims)
{
    private const double Theta = 10000;

    /// <summary>The cosines and sines of all positions' angles, computed in float64, in the caller's scope.</summary>
    /// <param name="ids">(length, axes) positions</param>
    /// <returns>(length, features / 2), float32, each</returns>
    public (Tensor Cos, Tensor Sin) Angles(Tensor ids)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor positions = ids.to(ScalarType.Float64);
        Tensor angles = torch.cat(
            [
                .. AxesDims.Select(
                    (size, axis) =>
                    {
                        Tensor exponents = torch.arange(0, size, 2, dtype: ScalarType.Float64, device: ids.device) / size;
                        Tensor frequencies = torch.exp(exponents * -Math.Log(Theta));
                        return positions.select(1, axis).unsqueeze(1) * frequencies.unsqueeze(0);
                    }
                ),
            ],
            -1
        );
        return (
            torch.cos(angles).to(ScalarType.Float32).MoveToOuterDisposeScope(),
            torch.sin(angles).to(ScalarType.Float32).MoveToOuterDisposeScope()
        );
    }

    /// <summary>Rotates each pair of features (2i, 2i + 1) by its position's angle, in float32.</summary>
    /// <param name="x">(batch, heads, length, features)</param>
    /// <param name="cos">(length, features / 2)</param>
    /// <param name="sin">(length, features / 2)</param>
    public static Tensor Apply(Tensor x, Tensor cos, Tensor sin)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor pairs = x.to(ScalarType.Float32).reshape(x.shape[0], x.shape[1], x.shape[2], x.shape[3] / 2, 2);
        Tensor real = pairs.select(-1, 0),
            imaginary = pairs.select(-1, 1);
        Tensor turned = torch.stack([real * cos - imaginary * sin, imaginary * cos + real * sin], -1);
        return turned.reshape(x.shape).to(x.dtype).MoveToOuterDisposeScope();
    }
}
