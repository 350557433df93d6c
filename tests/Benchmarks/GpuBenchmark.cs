using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Benchmarks;

/// <summary>
/// One step of networks of the published sizes on a CUDA device, with random weights, beside PyTorch's own on the same device in the
/// same run: eager and compiled, through diffusers.
/// </summary>
internal static class GpuBenchmark
{
    /// <summary>There is no device to measure on.</summary>
    public const int NoDevice = 3;

    public static int Run(Report report)
    {
        if (!cuda.is_available())
        {
            report.Skip("gpu", $"libtorch {__version__} finds no CUDA device on this machine");
            return NoDevice;
        }

        using IDisposable mode = inference_mode();
        foreach (ScalarType dtype in new[] { ScalarType.BFloat16, ScalarType.Float32 })
        {
            string name = dtype == ScalarType.BFloat16 ? "bf16" : "f32";
            var own = new Dictionary<string, double>(StringComparer.Ordinal)
            {
                ["sd15"] = UNet(report, "sd15", name, new UNetConfig { CrossAttentionDim = 768 }, dtype, side: 64, tokens: 768),
                ["sdxl"] = UNet(report, "sdxl", name, Sdxl(), dtype, side: 128, tokens: 2048),
            };
            // 12 billion weights: 48 GB in float32
            if (dtype == ScalarType.BFloat16)
            {
                own["flux"] = Flux(report, name, dtype);
            }

            PyTorch(report, name, own);
        }

        return 0;
    }

    // seconds of one guided step at the native size
    private static double UNet(Report report, string family, string type, UNetConfig config, ScalarType dtype, int side, int tokens)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        using var source = new RandomWeights(family, "unet");
        using var unet = new UNet2DConditionModel(config, new NetworkWeights(source, dtype, CUDA));
        Tensor sample = randn([2, 4, side, side]).to(dtype).to(CUDA);
        Tensor context = randn([2, 77, tokens]).to(dtype).to(CUDA);
        UNetConditions? conditions = config.AdditionEmbedType is null
            ? null
            : new UNetConditions { TextEmbeds = randn([2, 1280]).to(dtype).to(CUDA), TimeIds = ones([2, 6]).to(CUDA) };
        return Time(report, $"{family}_guided_step_{type}", () => unet.Forward(sample, 500, context, conditions));
    }

    private static double Flux(Report report, string type, ScalarType dtype)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        using var source = new RandomWeights("flux_dev", "transformer");
        using var network = new FluxTransformer2DModel(new FluxConfig { GuidanceEmbeds = true }, new NetworkWeights(source, dtype, CUDA));
        Tensor hidden = randn([1, 4096, 64]).to(dtype).to(CUDA);
        Tensor states = randn([1, 512, 4096]).to(dtype).to(CUDA);
        Tensor pooled = randn([1, 768]).to(dtype).to(CUDA);
        Tensor textIds = zeros([512, 3]).to(CUDA);
        Tensor imageIds = zeros([4096, 3]).to(CUDA);
        return Time(report, $"flux_step_{type}", () => network.Forward(hidden, 0.5, states, pooled, textIds, imageIds, 3.5));
    }

    private static double Time(Report report, string name, Func<Tensor> step)
    {
        double best = Clock.Best(
            () =>
            {
                using TorchSharp.DisposeScope scope = NewDisposeScope();
                // Reading a value waits for the device
                _ = step().flatten()[0].to(ScalarType.Float32).item<float>();
            },
            5
        );
        report.Add(name, best, "s");
        return best;
    }

    /// <summary>deploy/gpu/pytorch_steps.py prints a JSON line for each: {"name": "sd15", "way": "eager", "seconds": 0.02}.</summary>
    private static void PyTorch(Report report, string type, Dictionary<string, double> own)
    {
        string python = Environment.GetEnvironmentVariable("GENERATION_GPU_PYTHON") ?? "python3";
        var start = new ProcessStartInfo(python, [Path.Combine(Repository.Root, "deploy", "gpu", "pytorch_steps.py"), type, .. own.Keys])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using Process? process = Started(start);
        if (process is null)
        {
            report.Skip($"step_{type}_over_pytorch", $"there is no {python} here");
            return;
        }

        while (process.StandardOutput.ReadLine() is { } line)
        {
            using var said = JsonDocument.Parse(line);
            string name = said.RootElement.GetProperty("name").GetString()!;
            string way = said.RootElement.GetProperty("way").GetString()!;
            string full = string.Create(CultureInfo.InvariantCulture, $"{name}_step_{type}_over_pytorch_{way}");
            if (said.RootElement.TryGetProperty("seconds", out JsonElement seconds))
            {
                report.Add(
                    full,
                    own[name],
                    "s",
                    seconds.GetDouble(),
                    own[name] / seconds.GetDouble(),
                    "our time over PyTorch's, the same step"
                );
            }
            else
            {
                report.Skip(full, said.RootElement.GetProperty("why").GetString()!);
            }
        }

        process.WaitForExit();
    }

    private static Process? Started(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private static UNetConfig Sdxl() =>
        ConfigJson.Parse<UNetConfig>(
            """
            {
              "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "attention_head_dim": [5, 10, 20],
              "block_out_channels": [320, 640, 1280], "cross_attention_dim": 2048,
              "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
              "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
              "projection_class_embeddings_input_dim": 2816, "sample_size": 128, "transformer_layers_per_block": [1, 2, 10],
              "use_linear_projection": true
            }
            """
        );
}
