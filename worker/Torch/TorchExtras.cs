using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Torch;

/// <summary>What TorchSharp does not have, and operations that our own kernels do faster; where there is no kernel, TorchSharp's operations.</summary>
public static partial class TorchExtras
{
    /// <summary>silu(group_norm(input)): input (batch, channels, ..).</summary>
    public static Tensor group_norm_silu(Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5) =>
        group_norm(input, num_groups, weight, bias, eps, silu: true);

    /// <summary>
    /// Group norm (Wu and He, 2018) of input + added, then SiLU if asked; sums are at least float32.
    /// input (batch, channels, ..), added (batch, channels) or with further dimensions of size 1.
    /// </summary>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public static Tensor group_norm(
        Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5, bool silu = false, Tensor? added = null)
    {
        using DisposeScope scope = NewDisposeScope();
        try
        {
            Tensor x = input;
            if (added is not null)
            {
                var shape = new long[input.ndim];
                Array.Fill(shape, 1);
                shape[0] = input.shape[0];
                shape[1] = input.shape[1];
                x = x + added.reshape(shape);
            }

            ScalarType wide = input.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
            Tensor normed = F.group_norm(x.to_type(wide), num_groups, weight?.to_type(wide), bias?.to_type(wide), eps);
            return (silu ? F.silu(normed) : normed).to_type(input.dtype).MoveToOuterDisposeScope();
        }
        catch (ExternalException error)
        {
            throw TorchException.Of(nameof(group_norm), error, input, weight, bias, added);
        }
    }

    /// <summary>The first half of the last dimension times gelu of the second. Shazeer, 2020.</summary>
    public static Tensor geglu(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] halves = input.chunk(2, -1);
        return (halves[0] * halves[1].gelu()).MoveToOuterDisposeScope();
    }
}
