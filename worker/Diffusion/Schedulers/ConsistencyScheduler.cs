using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// What LCM and TCD share: the timesteps of a run are taken from the schedule that the model was distilled on, and each step predicts the
/// clean sample and adds less noise to it.
/// </summary>
internal abstract class ConsistencyScheduler : VariancePreservingScheduler
{
    private protected ConsistencyScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options) { }

    private protected bool IsLast(int i) => i == Timesteps.Count - 1;
}

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

/// <summary>
/// Strategic stochastic sampling of trajectory consistency distillation, arXiv 2402.19159 (algorithm 4). Eta (gamma in the paper) is the
/// share of noise that each step adds back: 0 for none, 1 for multistep consistency sampling.
/// </summary>
internal sealed class TcdScheduler : ConsistencyScheduler
{
    private readonly float _eta;

    public TcdScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        _eta = (float)Timetable.CheckShare("eta", options.Eta ?? 0.3);
        Lower = (float)(1 - (options.Eta ?? 0.3));
    }

    private float Lower { get; }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        int next = IsLast(i) ? 0 : Timestep(i + 1);
        float alpha = AlphaAt(Timestep(i));
        float previous = AlphaAt(next);
        float between = AlphaAt((int)MathF.Floor(Lower * next));
        (float a, float b) = (MathF.Sqrt(alpha), MathF.Sqrt(1 - alpha));
        Tensor clean = Prediction.Clean(Config, modelOutput, sample, alpha);
        Tensor epsilon = Config.PredictionType switch
        {
            "epsilon" => modelOutput,
            "sample" => (sample - modelOutput * a) / b,
            _ => modelOutput * a + sample * b,
        };
        Tensor noised = clean * MathF.Sqrt(between) + epsilon * MathF.Sqrt(1 - between);
        if (_eta <= 0 || IsLast(i))
        {
            return noised;
        }

        float ratio = previous / between;
        return noised * MathF.Sqrt(ratio) + noise() * MathF.Sqrt(1 - ratio);
    }
}
