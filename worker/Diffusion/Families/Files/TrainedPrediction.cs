using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Families.Files;

/// <summary>
/// What a checkpoint's network was trained to predict, where its family alone does not tell: Stable Diffusion 2 was published for 512
/// pixels predicting noise and for 768 pixels predicting velocities, with the same keys and shapes, and models of other families were
/// trained further to predict velocities. It is looked for in this order: the metadata of ModelSpec (modelspec.prediction_type,
/// modelspec.architecture), the marker keys v_pred and ztsnr, and for Stable Diffusion 2 the rules of diffusers: inpainting networks
/// predict noise, and so does the model after 875,000 steps (global_step); all others predict velocities.
/// </summary>
/// <param name="Type">The prediction_type of the scheduler.</param>
/// <param name="ZeroTerminalSnr">Whether the last training timestep had no signal left.</param>
/// <param name="SampleSize">The width and height of the latents that the network was trained on; null for the family's.</param>
/// <seealso href="https://github.com/huggingface/diffusers/blob/v0.35.2/src/diffusers/loaders/single_file_utils.py"/>
internal sealed record TrainedPrediction(string Type, bool ZeroTerminalSnr, int? SampleSize)
{
    private const string Noise = "epsilon";
    private const string Velocity = "v_prediction";

    // Of stable-diffusion-2-base
    private const long StepsOfNoiseModel = 875000;

    /// <summary>Reads the prediction from the file. Null where the family alone tells it.</summary>
    public static TrainedPrediction? Of(WeightSource source, bool isVersion2, bool seesMask)
    {
        string? type = Said(source) ?? (source.Has("v_pred") ? Velocity : null);
        if (isVersion2)
        {
            type ??= seesMask || Steps(source) == StepsOfNoiseModel ? Noise : Velocity;
        }

        // Inpainting models of either kind are for 512 pixels
        return type is null
            ? null
            : new TrainedPrediction(type, source.Has("ztsnr"), isVersion2 && (type == Noise || seesMask) ? 64 : null);
    }

    private static string? Said(WeightSource source)
    {
        if (source.Metadata.TryGetValue("modelspec.prediction_type", out string? said))
        {
            return said switch
            {
                "epsilon" or "eps" => Noise,
                "v" or "v_prediction" or "v-prediction" => Velocity,
                _ => null,
            };
        }

        return
            source.Metadata.TryGetValue("modelspec.architecture", out string? architecture)
            && architecture.StartsWith("stable-diffusion-v2", StringComparison.Ordinal)
            ? architecture.StartsWith("stable-diffusion-v2-768-v", StringComparison.Ordinal)
                ? Velocity
                : Noise
            : null;
    }

    private static long? Steps(WeightSource source)
    {
        if (!source.Has("global_step"))
        {
            return null;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor steps = source.Read("global_step", ScalarType.Float64);
        return steps.numel() == 1 ? (long)steps.item<double>() : null;
    }
}
