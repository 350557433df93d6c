using Generation.Diffusion.Weights;
using Generation.Imaging;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>The upscaler networks of one model, one for each scale that it was published in.</summary>
public sealed class UpscalerSet : IDisposable
{
    private readonly SortedDictionary<int, Upscaler> _byScale;

    private UpscalerSet(SortedDictionary<int, Upscaler> byScale) => _byScale = byScale;

    /// <summary>The scales of the networks, ascending.</summary>
    public IReadOnlyCollection<int> Scales => _byScale.Keys;

    /// <summary>Loads a .safetensors file, or all such files of a folder. A config.json is read where there is one network.</summary>
    /// <exception cref="WeightsException">There is no network, two networks have the same scale, or one does not fit.</exception>
    public static UpscalerSet FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        string[] files = Directory.Exists(path) ? [.. Directory.GetFiles(path, "*.safetensors").Order(StringComparer.Ordinal)] : [path];
        if (files.Length == 0)
        {
            throw new WeightsException($"{path}: holds no .safetensors file.");
        }

        var set = new UpscalerSet([]);
        try
        {
            foreach (string file in files)
            {
                var upscaler = Upscaler.FromPretrained(files.Length == 1 ? path : file, dtype, device);
                if (!set._byScale.TryAdd(upscaler.Scale, upscaler))
                {
                    upscaler.Dispose();
                    throw new WeightsException($"{path}: two networks enlarge {upscaler.Scale} times; keep one of them.");
                }
            }

            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <summary>The network for a factor: that of the same scale, else the next larger one, else the largest.</summary>
    public Upscaler For(int factor) =>
        _byScale.TryGetValue(factor, out Upscaler? own) ? own
        : _byScale.FirstOrDefault(pair => pair.Key > factor) is { Value: { } larger } ? larger
        : _byScale.Last().Value;

    /// <inheritdoc cref="Upscaler.UpscaleBy"/>
    public Picture UpscaleBy(Picture picture, int factor, Action<int, int>? onTile = null, CancellationToken token = default) =>
        For(factor).UpscaleBy(picture, factor, onTile, token);

    public void Dispose()
    {
        foreach (Upscaler upscaler in _byScale.Values)
        {
            upscaler.Dispose();
        }
    }
}
