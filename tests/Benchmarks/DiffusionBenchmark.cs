using Generation.Diffusion;
using Generation.Diffusion.Networks;
using Generation.Torch;
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
        Replay.Install();
        using IDisposable mode = inference_mode();
        Peaks peaks = Peaks.Measure();
        report.Add("peak_f32", peaks.Float32 / 1e9, "GFLOP/s", note: $"a loop of multiply-adds on vectors, {get_num_threads()} threads");
        report.Add("peak_bf16_vector", peaks.VectorBfloat16 / 1e9, "GFLOP/s", note: peaks.VectorBfloat16 == 0 ? "this processor has no bfloat16 vectors" : "the same in bfloat16");
        report.Add("peak_bf16_tile", peaks.TileBfloat16 / 1e9, "GFLOP/s", note: peaks.TileBfloat16 == 0 ? "this processor has no bfloat16 tiles" : "the same on tiles");
        report.Add("peak_multiply_add", peaks.MultiplyAdd / 1e9, "GFLOP/s", note: "the faster of the two loops on vectors: the multiply-add peak");
        report.Add("peak_best_product_bf16", peaks.BestProduct / 1e9, "GFLOP/s", peaks.MultiplyAdd / 1e9, peaks.BestProduct / peaks.MultiplyAdd, "the fastest large product or convolution, on tiles where there are any, against the multiply-add peak");
        if (only is null or "kernels")
        {
            KernelBenchmark.Run(report, peaks);
        }

        double? step = only is null or "step" or "engines" or "profile" ? Step(report, peaks, profile: only is "profile") : null;
        if (only is null or "engines")
        {
            OtherEngines.OpenVino(report, step!.Value);
            OtherEngines.PythonTorch(report);
        }
    }

    // seconds
    private static double Step(Report report, Peaks peaks, bool profile)
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
        report.Add("sd15_guided_step_bf16", best, "s", StepOperations / peaks.MultiplyAdd, StepOperations / peaks.MultiplyAdd / best, "860 M parameters, 64x64 latents, batch 2; against its multiply-adds' time at the multiply-add peak, ratio is the share of the peak; at least 0.75");
        report.Add("sd15_guided_step_bf16_of_best_product", best, "s", StepOperations / peaks.BestProduct, StepOperations / peaks.BestProduct / best, "the same, at the speed of the best product");
        IReadOnlyList<(string Name, int Calls, double Seconds)> operations = NativeBenchmark.Operations(Guided, withArguments: profile);
        double all = operations.Sum(one => one.Seconds);
        foreach ((string name, int calls, double seconds) in operations.TakeWhile((one, i) => i < (profile ? 60 : 12)))
        {
            report.Add($"sd15_step_in_{name.Replace(' ', '_')}", seconds, "s", all, seconds / all, $"{calls} calls of one step, against the time in all its operations");
        }

        Replay replay = Replay.Of(Guided);
        long live = TorchExtras.LiveTensors;
        const int rounds = 8;
        (double managed, double replayed) = replay.Against(Guided, rounds);
        report.Add("sd15_step_csharp_over_cpp", managed, "s", replayed, managed / replayed, $"the step against a C++ replay of its {replay.Calls} calls, in turns piece by piece, each the median of {rounds} rounds; at most 1.02");
        (double whole, double outside) = NativeBenchmark.Outside(Guided, 5);
        report.Add("sd15_step_outside_native_calls", outside, "s", whole, outside / whole, "the step's time in C# alone, the median of 5 steps, against the whole step");
        if (TorchExtras.LiveTensors != live)
        {
            throw new InvalidOperationException($"{TorchExtras.LiveTensors - live} tensors are left over of the replays.");
        }

        report.Add("sd15_unet_made", loading, "s", note: "drawing 860 M random weights included");
        return best;
    }
}
