using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>Converts the output of a network to the clean sample and the noise.</summary>
internal static class Prediction
{
    /// <summary>Returns the clean sample and the noise in it, by signal power (the variance preserving form).</summary>
    /// <param name="config">The scheduler's config, whose prediction_type is epsilon, sample or v_prediction.</param>
    /// <param name="output">The network's output.</param>
    /// <param name="sample">The noisy sample.</param>
    /// <param name="alpha">Signal power at this timestep.</param>
    public static Tensor Clean(SchedulerConfig config, Tensor output, Tensor sample, float alpha)
    {
        (float a, float b) = (MathF.Sqrt(alpha), MathF.Sqrt(1 - alpha));
        return config.PredictionType switch
        {
            "epsilon" => (sample - output * b) / a,
            "sample" => output,
            "v_prediction" => sample * a - output * b,
            _ => throw Unknown(config, "epsilon, sample or v_prediction"),
        };
    }

    /// <summary>Returns the clean sample by noise level (the variance exploding form), where sample = clean + sigma * noise.</summary>
    public static Tensor CleanAt(SchedulerConfig config, Tensor output, Tensor sample, float sigma, bool samples = true) =>
        config.PredictionType switch
        {
            "epsilon" => sample - output * sigma,
            "v_prediction" => output * (-sigma / MathF.Sqrt(sigma * sigma + 1)) + sample / (sigma * sigma + 1),
            "sample" or "original_sample" when samples => output,
            _ => throw Unknown(config, samples ? "epsilon, sample or v_prediction" : "epsilon or v_prediction"),
        };

    /// <summary>Clips or thresholds a predicted clean sample as the config says.</summary>
    public static Tensor Bounded(SchedulerConfig config, Tensor clean)
    {
        if (config.Thresholding)
        {
            return Threshold(config, clean);
        }

        return config.ClipSample ? clean.clamp(-config.ClipSampleRange, config.ClipSampleRange) : clean;
    }

    /// <summary>
    /// Dynamic thresholding (arXiv 2205.11487): a picture whose values exceed the range is clipped at their quantile and scaled back. The
    /// quantile is that of each picture of the batch by itself.
    /// </summary>
    public static Tensor Threshold(SchedulerConfig config, Tensor clean)
    {
        Tensor flat = clean.reshape(clean.shape[0], -1);
        Tensor bound = flat.abs().quantile(tensor((float)config.DynamicThresholdingRatio, device: clean.device), dim: 1);
        bound = bound.clamp(1, config.SampleMaxValue).unsqueeze(1);
        return (minimum(maximum(flat, -bound), bound) / bound).reshape(clean.shape);
    }

    public static SchedulerException Unknown(SchedulerConfig config, string known) =>
        new($"prediction_type is '{config.PredictionType}'; {config.ClassName} knows {known}");
}
