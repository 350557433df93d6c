using Generation.Diffusion;
using Generation.Diffusion.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Benchmarks;

/// <summary>Kernels and a whole guided step, against the processor's own speed and against other engines, side by side in one run.</summary>
internal static class DiffusionBenchmark
{
    // multiply-adds of one guided step of Stable Diffusion 1.5 at 64x64 latents, counted twice
    private const double StepOperations = 1.62e12;

    public static void Run(Report report, string? only)
    {
        using IDisposable mode = inference_mode();
        Peaks peaks = Peaks.Measure();
        report.Add("peak_best_product_f32", peaks.Float32 / 1e9, "GFLOP/s", note: $"the fastest large product or convolution, {get_num_threads()} threads");
        report.Add("peak_best_product_bf16", peaks.Bfloat16 / 1e9, "GFLOP/s", peaks.Float32 / 1e9, peaks.Bfloat16 / peaks.Float32, "the same in bfloat16, against float32's");
        if (only is null or "kernels")
        {
            KernelBenchmark.Run(report, peaks);
        }

        double? step = only is null or "step" or "engines" ? Step(report, peaks) : null;
        if (only is null or "engines")
        {
            OtherEngines.OpenVino(report, step!.Value);
            OtherEngines.PythonTorch(report);
        }
    }

    // seconds
    private static double Step(Report report, Peaks peaks)
    {
        using DisposeScope scope = NewDisposeScope();
        using var source = new RandomWeights("sd15", "unet");
        UNet2DConditionModel? loaded = null;
        double loading = Clock.Once(() => loaded = new UNet2DConditionModel(new UNetConfig { CrossAttentionDim = 768 }, new Weights(source, ScalarType.BFloat16)));
        using UNet2DConditionModel unet = loaded!;
        Tensor latents = randn([1, 4, 64, 64]);
        Tensor context = randn([2, 77, 768]).bfloat16();
        void Guided()
        {
            using DisposeScope step = NewDisposeScope();
            Tensor both = cat([latents, latents]).bfloat16();
            Tensor[] predicted = unet.Forward(both, 500, context).@float().chunk(2);
            Tensor guided = predicted[0] + (7.5 * (predicted[1] - predicted[0]));
            _ = latents - (0.1 * guided);
        }

        double best = Clock.Best(Guided, 6);
        report.Add("sd15_guided_step_bf16", best, "s", StepOperations / peaks.Bfloat16, StepOperations / peaks.Bfloat16 / best, "860 M parameters, 64x64 latents, batch 2; against its multiply-adds' time at the speed of the best product");
        report.Add("sd15_unet_made", loading, "s", note: "drawing 860 M random weights included");
        return best;
    }
}
