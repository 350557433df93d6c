using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// Denoising diffusion implicit models, arXiv 2010.02502 (formulas 12 and 16). With eta 0 a step draws no noise; with eta 1 it draws as
/// much as DDPM.
/// </summary>
internal sealed class DdimScheduler : VariancePreservingScheduler
{
    public DdimScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        float alpha = AlphaAt(Timestep(i));
        float previous = AlphaAt(Timestep(i) - Config.NumTrainTimesteps / Steps);
        (float a, float b) = (MathF.Sqrt(alpha), MathF.Sqrt(1 - alpha));
        Tensor clean = Prediction.Bounded(Config, Prediction.Clean(Config, modelOutput, sample, alpha));
        // Clipping changes what is taken for the picture and, unless asked for, not what is taken for the noise.
        Tensor epsilon = Options.UseClippedModelOutput
            ? (sample - clean * a) / b
            : Config.PredictionType switch
            {
                "epsilon" => modelOutput,
                "sample" => (sample - modelOutput * a) / b,
                _ => modelOutput * a + sample * b,
            };
        float variance = (1 - previous) / (1 - alpha) * (1 - alpha / previous);
        float eta = (float)(Options.Eta ?? 0);
        float deviation = eta * MathF.Sqrt(variance);
        Tensor direction = epsilon * MathF.Sqrt(1 - previous - deviation * deviation);
        Tensor result = clean * MathF.Sqrt(previous) + direction;
        return eta > 0 ? result + noise() * deviation : result;
    }
}
