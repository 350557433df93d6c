using Generation.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static unsafe partial class functional
        {
            /// <summary>Resizes the spatial dimensions to a size or by factors.</summary>
            public static Tensor interpolate(
                Tensor x,
                long[]? size = null,
                double[]? scale_factor = null,
                InterpolationMode mode = InterpolationMode.Nearest,
                bool? align_corners = null,
                bool recompute_scale_factor = false,
                bool antialias = false)
            {
                fixed (long* sizes = size)
                fixed (double* factors = scale_factor)
                {
                    return Tensor.Wrap(
                        Native.gt_interpolate(
                            x.Handle,
                            new Longs(sizes, size?.Length ?? 0),
                            new Doubles(factors, scale_factor?.Length ?? 0),
                            (int)mode,
                            align_corners == true ? 1 : 0,
                            recompute_scale_factor ? 1 : 0,
                            antialias ? 1 : 0),
                        x);
                }
            }

            public static Tensor upsample(Tensor input, long[]? size = null, double[]? scale_factor = null, UpsampleMode mode = UpsampleMode.Nearest, bool align_corners = false) =>
                interpolate(input, size, scale_factor, (InterpolationMode)mode, align_corners);

            /// <summary>Pairs of paddings, the last dimension first.</summary>
            public static Tensor pad(Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0)
            {
                fixed (long* data = pad)
                {
                    return Tensor.Wrap(Native.gt_pad(input.Handle, Longs.Of(data, pad.Length), (int)mode, value), input);
                }
            }

            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => functional.pad(input, pad.AsSpan(), mode, value);

            public static Tensor pad(Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => functional.pad(input, [pad.Item1, pad.Item2], mode, value);

            public static Tensor pad(Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, [pad.Item1, pad.Item2, pad.Item3, pad.Item4], mode, value);

            public static Tensor avg_pool2d(Tensor input, long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false, bool count_include_pad = true) =>
                avg_pool2d(input, [kernel_size, kernel_size], [stride ?? kernel_size, stride ?? kernel_size], [padding, padding], ceil_mode, count_include_pad);

            public static Tensor avg_pool2d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, bool ceil_mode = false, bool count_include_pad = true)
            {
                long[] steps = strides ?? kernel_size;
                long[] around = padding ?? [0, 0];
                fixed (long* kernel = kernel_size, step = steps, pad = around)
                {
                    return Tensor.Wrap(
                        Native.gt_avg_pool2d(
                            input.Handle, new Longs(kernel, kernel_size.Length), new Longs(step, steps.Length), new Longs(pad, around.Length), ceil_mode ? 1 : 0, count_include_pad ? 1 : 0),
                        input);
                }
            }

            public static Tensor max_pool2d(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false)
            {
                long step = stride ?? kernel_size;
                return max_pool2d(input, [kernel_size, kernel_size], [step, step], [padding ?? 0, padding ?? 0], [dilation ?? 1, dilation ?? 1], ceil_mode);
            }

            public static Tensor max_pool2d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false)
            {
                long[] steps = strides ?? kernel_size;
                long[] around = padding ?? [0, 0];
                long[] spread = dilation ?? [1, 1];
                fixed (long* kernel = kernel_size, step = steps, pad = around, apart = spread)
                {
                    return Tensor.Wrap(
                        Native.gt_max_pool2d(
                            input.Handle, new Longs(kernel, kernel_size.Length), new Longs(step, steps.Length), new Longs(pad, around.Length), new Longs(apart, spread.Length), ceil_mode ? 1 : 0),
                        input);
                }
            }

            public static Tensor adaptive_avg_pool2d(Tensor input, long[] output_size)
            {
                fixed (long* size = output_size)
                {
                    return Tensor.Wrap(Native.gt_adaptive_avg_pool2d(input.Handle, new Longs(size, output_size.Length)), input);
                }
            }

            public static Tensor adaptive_avg_pool2d(Tensor input, long output_size) => adaptive_avg_pool2d(input, [output_size, output_size]);

            /// <summary>Sliding windows as columns: (batch, channels x kernel, windows).</summary>
            public static Tensor unfold(Tensor input, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null)
            {
                long* all = stackalloc long[8]
                {
                    kernel_size.Item1, kernel_size.Item2,
                    dilation?.Item1 ?? 1, dilation?.Item2 ?? 1,
                    padding?.Item1 ?? 0, padding?.Item2 ?? 0,
                    stride?.Item1 ?? 1, stride?.Item2 ?? 1,
                };
                return Tensor.Wrap(Native.gt_unfold(input.Handle, new Longs(all, 2), new Longs(all + 2, 2), new Longs(all + 4, 2), new Longs(all + 6, 2)), input);
            }

            public static Tensor unfold(Tensor input, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) =>
                unfold(input, (kernel_size, kernel_size), (dilation, dilation), (padding, padding), (stride, stride));

            /// <summary>Sums columns back into pictures; the reverse of unfold.</summary>
            public static Tensor fold(Tensor input, (long, long) output_size, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null)
            {
                long* all = stackalloc long[10]
                {
                    output_size.Item1, output_size.Item2,
                    kernel_size.Item1, kernel_size.Item2,
                    dilation?.Item1 ?? 1, dilation?.Item2 ?? 1,
                    padding?.Item1 ?? 0, padding?.Item2 ?? 0,
                    stride?.Item1 ?? 1, stride?.Item2 ?? 1,
                };
                return Tensor.Wrap(
                    Native.gt_fold(input.Handle, new Longs(all, 2), new Longs(all + 2, 2), new Longs(all + 4, 2), new Longs(all + 6, 2), new Longs(all + 8, 2)), input);
            }

            public static Tensor grid_sample(
                Tensor input, Tensor grid, GridSampleMode mode = GridSampleMode.Bilinear, GridSamplePaddingMode padding_mode = GridSamplePaddingMode.Zeros, bool? align_corners = null)
            {
                // libtorch's numbers: 0 bilinear, 1 nearest; 0 zeros, 1 border, 2 reflection
                long how = mode == GridSampleMode.Bilinear ? 0 : 1;
                long beyond = padding_mode switch { GridSamplePaddingMode.Border => 1, GridSamplePaddingMode.Reflection => 2, _ => 0 };
                return Tensor.Wrap(Native.gt_grid_sample(input.Handle, grid.Handle, how, beyond, align_corners == true ? 1 : 0), input, grid);
            }
        }
    }
}
