using System.Runtime.InteropServices;
using Generation.Kernels;
using Generation.Kernels.Pointwise;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Torch;

/// <summary>
/// Operations that TorchSharp does not have, and operations that our own kernels compute faster; where there is no kernel, TorchSharp's
/// operations.
/// </summary>
public static unsafe partial class TorchExtras
{
    /// <summary>Computes silu(group_norm(input)) for input (batch, channels, ..).</summary>
    public static Tensor group_norm_silu(Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5) =>
        group_norm(input, num_groups, weight, bias, eps, silu: true);

    /// <summary>
    /// Computes the group norm (Wu and He, 2018) of input + added, and then SiLU where asked; sums are at least float32. input is (batch,
    /// channels, ..), added is (batch, channels) or has further dimensions of size 1.
    /// </summary>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public static Tensor group_norm(
        Tensor input,
        long num_groups,
        Tensor? weight = null,
        Tensor? bias = null,
        double eps = 1e-5,
        bool silu = false,
        Tensor? added = null
    )
    {
        try
        {
            return FusedGroupNorm(input, num_groups, weight, bias, eps, silu, added)
                ?? ComposedGroupNorm(input, num_groups, weight, bias, eps, silu, added);
        }
        catch (ExternalException error)
        {
            throw TorchException.Of(nameof(group_norm), error, input, weight, bias, added);
        }
    }

    /// <summary>
    /// Computes the layer norm (Ba et al., 2016) over the last dimension, which has the size of <paramref name="weight"/> and
    /// <paramref name="bias"/>; sums are at least float32.
    /// </summary>
    /// <exception cref="TorchException">The shapes or types do not fit.</exception>
    public static Tensor layer_norm(Tensor input, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5)
    {
        try
        {
            long[] shape = input.shape;
            if (
                !LayerNormKernel.IsSupported
                || KernelElement(input) is not { } element
                || shape.Length == 0
                || shape[^1] == 0
                || !IsParameter(weight, shape[^1])
                || !IsParameter(bias, shape[^1])
                || (weight is not null && bias is not null && weight.dtype != bias.dtype)
            )
            {
                return F.layer_norm(input, [shape.Length == 0 ? 1 : shape[^1]], weight, bias, eps);
            }

            using Tensor dense = input.contiguous();
            using Tensor? gains = weight?.contiguous();
            using Tensor? offsets = bias?.contiguous();
            Element parameters = (weight ?? bias) is { } first ? LayerKernels.ElementOf(first)!.Value : Element.Float32;
            Tensor result = empty(shape, input.dtype);
            LayerNormKernel.Run(
                (void*)DataPointer(dense),
                (void*)DataPointer(result),
                element,
                dense.NumberOfElements / shape[^1],
                shape[^1],
                gains is null ? null : (void*)DataPointer(gains),
                offsets is null ? null : (void*)DataPointer(offsets),
                parameters,
                eps
            );
            return result;
        }
        catch (ExternalException error)
        {
            throw TorchException.Of(nameof(layer_norm), error, input, weight, bias);
        }
    }

    /// <summary>Computes GEGLU: the first half of the last dimension times GELU of the second half. Shazeer, 2020.</summary>
    /// <exception cref="TorchException">The size of the last dimension is odd.</exception>
    public static Tensor geglu(Tensor input)
    {
        long[] shape = input.shape;
        if (shape.Length == 0 || shape[^1] % 2 != 0)
        {
            throw TorchException.Of(nameof(geglu), "the last dimension has no halves", input);
        }

        long size = shape[^1] / 2;
        if (KernelElement(input) is { } element && ActivationKernel.IsSupported && size > 0)
        {
            using Tensor dense = input.contiguous();
            Tensor result = empty([.. shape[..^1], size], input.dtype);
            ActivationKernel.Geglu(
                (void*)DataPointer(dense),
                (void*)DataPointer(result),
                element,
                dense.NumberOfElements / (2 * size),
                size
            );
            return result;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor[] halves = input.chunk(2, -1);
        return (halves[0] * halves[1].gelu()).MoveToOuterDisposeScope();
    }

    // The element that kernels know, for tensors in the processor's memory; null: libtorch's operations
    private static Element? KernelElement(Tensor tensor) =>
        Processor.KernelsAllowed && tensor.device_type == DeviceType.CPU ? LayerKernels.ElementOf(tensor) : null;

    private static Tensor? FusedGroupNorm(Tensor input, long groups, Tensor? weight, Tensor? bias, double eps, bool silu, Tensor? added)
    {
        long[] shape = input.shape;
        if (
            !GroupNormKernel.IsSupported
            || KernelElement(input) is not { } element
            || shape.Length < 2
            || groups <= 0
            || shape[1] % groups != 0
            || !IsParameter(weight, shape[1])
            || !IsParameter(bias, shape[1])
            || (weight is not null && bias is not null && weight.dtype != bias.dtype)
            || (added is not null && (LayerKernels.ElementOf(added) is null || added.NumberOfElements != shape[0] * shape[1]))
        )
        {
            return null;
        }

        bool channelsLast = shape.Length == 4 && !input.is_contiguous() && IsChannelsLast(input);
        // Seen in the order of memory: (batch, height, width, channels), or as it is
        using Tensor seen = channelsLast ? input.permute(0, 2, 3, 1) : input.contiguous();
        using Tensor made = empty(seen.shape, input.dtype);
        using Tensor? scale = weight?.contiguous();
        using Tensor? shift = bias?.contiguous();
        using Tensor? sum = added?.contiguous();
        long area = shape.AsSpan(2).IsEmpty ? 1 : input.NumberOfElements / Math.Max(1, shape[0] * shape[1]);
        GroupNormKernel.Run(
            new GroupNormTask
            {
                Element = element,
                Input = (void*)DataPointer(seen),
                Output = (void*)DataPointer(made),
                ChannelsLast = channelsLast,
                Batch = shape[0],
                Channels = shape[1],
                Area = area,
                Groups = groups,
                Weight = scale is null ? null : (void*)DataPointer(scale),
                Bias = shift is null ? null : (void*)DataPointer(shift),
                Parameters = LayerKernels.ElementOf(weight ?? bias ?? input)!.Value,
                Added = sum is null ? null : (void*)DataPointer(sum),
                AddedElement = sum is null ? element : LayerKernels.ElementOf(sum)!.Value,
                Eps = eps,
                Silu = silu,
            }
        );
        return channelsLast ? made.permute(0, 3, 1, 2) : made.alias();
    }

    private static bool IsParameter(Tensor? tensor, long channels) =>
        tensor is null || (LayerKernels.ElementOf(tensor) is not null && tensor.ndim == 1 && tensor.size(0) == channels);

    private static Tensor ComposedGroupNorm(Tensor input, long groups, Tensor? weight, Tensor? bias, double eps, bool silu, Tensor? added)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = input;
        if (added is not null)
        {
            long[] shape = new long[input.ndim];
            Array.Fill(shape, 1);
            shape[0] = input.shape[0];
            shape[1] = input.shape[1];
            x = x + added.reshape(shape);
        }

        ScalarType wide = input.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Tensor normed = F.group_norm(x.to_type(wide), groups, weight?.to_type(wide), bias?.to_type(wide), eps);
        return (silu ? F.silu(normed) : normed).to_type(input.dtype).MoveToOuterDisposeScope();
    }
}
