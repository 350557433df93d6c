using System.Text.Json;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Pipelines;
using Generation.Imaging;
using static TorchSharp.torch;

namespace Generation.Diffusion.Upscalers;

/// <summary>Makes pictures larger by a whole factor, with a network of the Real-ESRGAN family. Wang et al., 2021.</summary>
public sealed class Upscaler : IDisposable
{
    private readonly IUpscalerNetwork _network;
    private readonly Device _device;

    private Upscaler(IUpscalerNetwork network, Device device)
    {
        _network = network;
        _device = device;
    }

    /// <summary>How many times larger each side becomes.</summary>
    public int Scale => _network.Scale;

    /// <summary>Loads a folder with config.json ({"architecture": "RRDBNet", ...}) and one .safetensors file.</summary>
    /// <exception cref="WeightsException">A file is missing, or the weights do not fit.</exception>
    public static Upscaler FromPretrained(string folder, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        string configPath = Path.Combine(folder, "config.json");
        JsonElement config = PythonJson.ReadFile(configPath);
        string? architecture = config.TryGetProperty("architecture", out JsonElement name) ? name.GetString() : null;
        if (architecture != "RRDBNet")
        {
            throw new WeightsException($"{configPath}: architecture is '{architecture}' and must be RRDBNet.");
        }

        string[] files = Directory.GetFiles(folder, "*.safetensors");
        if (files.Length != 1)
        {
            throw new WeightsException($"{folder}: holds {files.Length} .safetensors files and must hold one.");
        }

        using var file = SafetensorsFile.Open(files[0]);
        return new Upscaler(new RRDBNet(ConfigJson.Load<RRDBNetConfig>(configPath), new Weights(file, dtype, device)), device ?? CPU);
    }

    /// <summary>Makes pictures larger.</summary>
    /// <param name="images">(n, height, width, 3), float32 from 0 to 1, as pipelines make them.</param>
    /// <param name="token">Looked at before each picture.</param>
    /// <returns>(n, height * scale, width * scale, 3), float32 from 0 to 1, in the caller's scope.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Tensor Upscale(Tensor images, CancellationToken token = default)
    {
        using var scope = NewDisposeScope();
        var larger = new List<Tensor>();
        for (long k = 0; k < images.shape[0]; k++)
        {
            token.ThrowIfCancellationRequested();
            using var picture = NewDisposeScope();
            Tensor input = images.narrow(0, k, 1).permute(0, 3, 1, 2).contiguous().to(_device);
            larger.Add(_network.Forward(input).to(ScalarType.Float32).clamp(0, 1).cpu().permute(0, 2, 3, 1).contiguous().MoveToOuterDisposeScope());
        }

        return (larger.Count == 1 ? larger[0] : cat(larger, 0)).MoveToOuterDisposeScope();
    }

    /// <summary>A larger picture, in colour.</summary>
    public Picture Upscale(Picture picture, CancellationToken token = default)
    {
        using var scope = NewDisposeScope();
        Tensor image = PictureTensors.FromPicture(picture.DropAlpha()).permute(0, 2, 3, 1);
        return PictureTensors.ToPictures(Upscale(image, token))[0];
    }

    public void Dispose() => _network.Dispose();
}
