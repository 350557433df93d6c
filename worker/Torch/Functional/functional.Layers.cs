using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>torch.nn.</summary>
    public static partial class nn
    {
        public enum Reduction
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        /// <summary>torch.nn.functional: layers as functions of their input and weights.</summary>
        public static unsafe partial class functional
        {
            /// <summary>input (.., in) x weights (out, in), transposed, + bias (out).</summary>
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) =>
                Tensor.Wrap(Native.gt_linear(input.Handle, weights.Handle, Tensor.HandleOf(bias)), input, weights, bias);

            /// <summary>input (batch, channels, length), weight (out, channels / groups, kernel).</summary>
            public static Tensor conv1d(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null, long? dilation = null, long groups = 1)
            {
                long step = stride ?? 1;
                long around = padding ?? 0;
                long spread = dilation ?? 1;
                return Tensor.Wrap(
                    Native.gt_conv1d(input.Handle, weight.Handle, Tensor.HandleOf(bias), new Longs(&step, 1), new Longs(&around, 1), new Longs(&spread, 1), groups),
                    input,
                    weight,
                    bias);
            }

            /// <summary>input (batch, channels, height, width), weight (out, channels / groups, height, width).</summary>
            public static Tensor conv2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1)
            {
                ReadOnlySpan<long> ones = [1, 1];
                ReadOnlySpan<long> none = [0, 0];
                fixed (long* one = ones, zero = none, steps = strides, around = padding, spread = dilation)
                {
                    return Tensor.Wrap(
                        Native.gt_conv2d(
                            input.Handle, weight.Handle, Tensor.HandleOf(bias), Or(steps, strides, one, 2), Or(around, padding, zero, 2), Or(spread, dilation, one, 2), groups),
                        input,
                        weight,
                        bias);
                }
            }

            /// <summary>input (batch, channels, frames, height, width).</summary>
            public static Tensor conv3d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1)
            {
                ReadOnlySpan<long> ones = [1, 1, 1];
                ReadOnlySpan<long> none = [0, 0, 0];
                fixed (long* one = ones, zero = none, steps = strides, around = padding, spread = dilation)
                {
                    return Tensor.Wrap(
                        Native.gt_conv3d(
                            input.Handle, weight.Handle, Tensor.HandleOf(bias), Or(steps, strides, one, 3), Or(around, padding, zero, 3), Or(spread, dilation, one, 3), groups),
                        input,
                        weight,
                        bias);
                }
            }

            public static Tensor conv_transpose2d(
                Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? output_padding = null, long[]? dilation = null, long groups = 1)
            {
                ReadOnlySpan<long> ones = [1, 1];
                ReadOnlySpan<long> none = [0, 0];
                fixed (long* one = ones, zero = none, steps = strides, around = padding, extra = output_padding, spread = dilation)
                {
                    return Tensor.Wrap(
                        Native.gt_conv_transpose2d(
                            input.Handle,
                            weight.Handle,
                            Tensor.HandleOf(bias),
                            Or(steps, strides, one, 2),
                            Or(around, padding, zero, 2),
                            Or(extra, output_padding, zero, 2),
                            groups,
                            Or(spread, dilation, one, 2)),
                        input,
                        weight,
                        bias);
                }
            }

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5)
            {
                fixed (long* shape = normalized_shape)
                {
                    return Tensor.Wrap(
                        Native.gt_layer_norm(input.Handle, Longs.Of(shape, normalized_shape.Length), Tensor.HandleOf(weight), Tensor.HandleOf(bias), eps),
                        input,
                        weight,
                        bias);
                }
            }

            public static Tensor group_norm(Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5) =>
                Tensor.Wrap(Native.gt_group_norm(input.Handle, num_groups, Tensor.HandleOf(weight), Tensor.HandleOf(bias), eps), input, weight, bias);

            public static Tensor instance_norm(
                Tensor input, Tensor? running_mean = null, Tensor? running_var = null, Tensor? weight = null, Tensor? bias = null, bool use_input_stats = true, double momentum = 0.1, double eps = 1e-5) =>
                Tensor.Wrap(Native.gt_instance_norm(input.Handle, Tensor.HandleOf(weight), Tensor.HandleOf(bias), eps), input, weight, bias);

            public static Tensor batch_norm(
                Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight = null, Tensor? bias = null, bool training = false, double momentum = 0.1, double eps = 1e-5)
            {
                Tensor made = Tensor.Wrap(
                    Native.gt_batch_norm(
                        input.Handle, Tensor.HandleOf(running_mean), Tensor.HandleOf(running_var), Tensor.HandleOf(weight), Tensor.HandleOf(bias), training ? 1 : 0, momentum, eps),
                    input,
                    weight,
                    bias,
                    running_mean);
                GC.KeepAlive(running_var);
                return made;
            }

            public static Tensor one_hot(Tensor x, long num_classes = -1) => Tensor.Wrap(Native.gt_one_hot(x.Handle, num_classes), x);

            public static Tensor pixel_shuffle(Tensor input, long upscale_factor) => Tensor.Wrap(Native.gt_pixel_shuffle(input.Handle, upscale_factor), input);

            public static Tensor pixel_unshuffle(Tensor input, long downscale_factor) => Tensor.Wrap(Native.gt_pixel_unshuffle(input.Handle, downscale_factor), input);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => Tensor.Wrap(Native.gt_dropout(input.Handle, p, training ? 1 : 0), input);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Tensor.Wrap(Native.gt_mse_loss(input.Handle, target.Handle, (long)reduction), input, target);

            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Tensor.Wrap(Native.gt_l1_loss(input.Handle, target.Handle, (long)reduction), input, target);

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1e-8) =>
                Tensor.Wrap(Native.gt_cosine_similarity(x1.Handle, x2.Handle, dim, eps), x1, x2);

            /// <summary>Divides by the p-norm along a dimension.</summary>
            public static Tensor normalize(Tensor input, double p = 2.0, long dim = 1L, double eps = 1e-12)
            {
                using Tensor norm = linalg.vector_norm(input, p, [dim], keepdim: true);
                using Tensor bounded = norm.clamp_min(eps);
                return input / bounded;
            }

            /// <summary>Attention, as libtorch's fused one or composed; see Generation.Torch.TorchExtras for masks of any kind and scale.</summary>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0.0, bool is_casual = false) =>
                p == 0.0
                    ? Generation.Torch.TorchExtras.scaled_dot_product_attention(query, key, value, attn_mask, is_casual)
                    : throw new NotSupportedException("dropout in attention is for training, which this binding is not for");

            private static Longs Or(long* data, long[]? given, long* otherwise, int count) => given is null ? new Longs(otherwise, count) : Longs.Of(data, given.Length);
        }
    }
}
