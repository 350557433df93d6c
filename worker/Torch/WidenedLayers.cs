using Generation.Kernels;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Generation.Torch;

/// <summary>
/// Layers computed by libtorch. Where the processor lacks AVX-512, bfloat16 is computed in float32, because libtorch's own bfloat16
/// products are six to seven times slower there.
/// </summary>
internal static class WidenedLayers
{
    public static Tensor Linear(Tensor input, Tensor weight, Tensor? bias) => Run(input, weight, bias, F.linear);

    public static Tensor Conv2d(Tensor input, Tensor weight, Tensor? bias, long[] stride, long[] padding) =>
        Run(input, weight, bias, (x, w, b) => F.conv2d(x, w, b, stride, padding));

    private static Tensor Run(Tensor input, Tensor weight, Tensor? bias, Func<Tensor, Tensor, Tensor?, Tensor> layer)
    {
        bool narrow = input.dtype == ScalarType.BFloat16 && weight.dtype == ScalarType.BFloat16 && input.device_type == DeviceType.CPU;
        if (!narrow || Processor.HasAvx512)
        {
            return layer(input, weight, bias);
        }

        using Tensor x = input.to(ScalarType.Float32);
        using Tensor w = weight.to(ScalarType.Float32);
        using Tensor? b = bias?.to(ScalarType.Float32);
        using Tensor made = layer(x, w, b);
        return made.to(ScalarType.BFloat16);
    }
}
