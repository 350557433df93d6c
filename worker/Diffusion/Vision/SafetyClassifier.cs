using Generation.Imaging;
using Generation.Imaging.Resizing;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Vision;

/// <summary>
/// Tells which pictures show what Stable Diffusion's safety checker was made to find. Reference: diffusers 0.35.2,
/// StableDiffusionSafetyChecker after CLIPImageProcessor.
/// </summary>
public sealed class SafetyClassifier : IDisposable
{
    private readonly SafetyChecker _network;
    private readonly Device _device;

    private SafetyClassifier(SafetyChecker network, Device device) => (_network, _device) = (network, device);

    /// <summary>Loads a folder with config.json and weights, such as the safety_checker folder of a published model.</summary>
    /// <exception cref="Weights.WeightsException">A file is missing, or the weights do not fit.</exception>
    public static SafetyClassifier FromPretrained(string path, ScalarType dtype = ScalarType.Float32, Device? device = null) =>
        new(
            ComponentFolder.Load<SafetyChecker, SafetyCheckerConfig>(
                path,
                (config, weights) => new SafetyChecker(config, weights),
                dtype,
                device
            ),
            device ?? CPU
        );

    /// <summary>Returns for each picture whether it is similar to an unwanted concept.</summary>
    public IReadOnlyList<bool> Check(IReadOnlyList<Picture> pictures)
    {
        if (pictures.Count == 0)
        {
            return [];
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable inference = inference_mode();
        int side = _network.Config.VisionConfig.ImageSize;
        float[] values = [.. pictures.SelectMany(picture => ClipImageProcessor.Prepare(picture, side))];
        return _network.Check(tensor(values, [pictures.Count, 3, side, side]).to(_device));
    }

    public void Dispose() => _network.Dispose();
}
