using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Benchmarks;

/// <summary>Loading a checkpoint against a plain sequential read of the same bytes, by turns in one run.</summary>
internal static class WeightsBenchmark
{
    private const int Tensors = 160;
    private const int Page = 4096;

    public static void Run(Report report)
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");
        try
        {
            using (NewDisposeScope())
            {
                using Tensor weight = randn([1280, 1280], dtype: ScalarType.Float32).to(ScalarType.BFloat16);
                SafetensorsWriter.Write(path, Enumerable.Range(0, Tensors).Select(i => KeyValuePair.Create($"layers.{i}.weight", weight)));
            }

            double gigabytes = new FileInfo(path).Length / 1e9;
            byte[] buffer = new byte[1 << 20];
            (double load, double read) = Clock.Best(() => Load(path, ScalarType.BFloat16, touch: true), () => Read(path, buffer));
            report.Add(
                "weights_load",
                gigabytes / load,
                "GB/s",
                gigabytes / read,
                read / load,
                "bfloat16 as stored, every page touched, against a sequential read; at least 0.85"
            );
            (double open, _) = Clock.Best(() => Load(path, ScalarType.BFloat16, touch: false), () => { }, seconds: 0.5);
            report.Add(
                "weights_load_mapped",
                gigabytes / open,
                "GB/s",
                gigabytes / read,
                read / open,
                "the same, pages left to the first use"
            );
            (double convert, double again) = Clock.Best(() => Load(path, ScalarType.Float32, touch: false), () => Read(path, buffer));
            report.Add(
                "weights_load_float32",
                gigabytes / convert,
                "GB/s",
                gigabytes / again,
                again / convert,
                "bfloat16 converted to float32: twice the bytes are written"
            );
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Load(string path, ScalarType dtype, bool touch)
    {
        using var file = SafetensorsFile.Open(path);
        var weights = new NetworkWeights(file, dtype);
        for (int i = 0; i < Tensors; i++)
        {
            weights["layers"][i].Take("weight", 1280, 1280);
        }

        using ParameterStore store = weights.Finish();
        long sum = 0;
        foreach (Parameter parameter in touch ? store.Values : [])
        {
            Span<byte> bytes = parameter.Value.bytes;
            for (int i = 0; i < bytes.Length; i += Page)
            {
                sum += bytes[i];
            }
        }

        GC.KeepAlive(sum);
    }

    private static void Read(string path, byte[] buffer)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        while (file.Read(buffer) > 0) { }
    }
}
