using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// Strategic stochastic sampling of trajectory consistency distillation, arXiv 2402.19159 (algorithm 4). Eta (gamma
/// in the paper) is the share of noise that each step adds back: 0 none, 1 as multistep consistency sampling.
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
