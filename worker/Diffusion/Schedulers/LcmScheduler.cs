using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>Multistep sampling of latent consistency models, arXiv 2310.04378.</summary>
internal sealed class LcmScheduler : ConsistencyScheduler
{
    private const float SigmaData = 0.5f;

    public LcmScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        float alpha = AlphaAt(Timestep(i));
        Tensor clean = Prediction.Bounded(Config, Prediction.Clean(Config, modelOutput, sample, alpha));
        // The boundary condition: at timestep zero the sample is its own clean form.
        float scaled = Timestep(i) * (float)Config.TimestepScaling;
        float norm = scaled * scaled + SigmaData * SigmaData;
        Tensor denoised = clean * (scaled / MathF.Sqrt(norm)) + sample * (SigmaData * SigmaData / norm);
        if (IsLast(i))
        {
            return denoised;
        }

        float previous = AlphaAt(Timestep(i + 1));
        return denoised * MathF.Sqrt(previous) + noise() * MathF.Sqrt(1 - previous);
    }
}
