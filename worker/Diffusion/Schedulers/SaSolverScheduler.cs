using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// SA-Solver, arXiv 2309.05019: a stochastic Adams predictor and corrector of order one to four. Noise is added (tau is 1) between
/// timesteps 200 and 800 and none outside, which is the reference implementation's default.
/// </summary>
internal sealed class SaSolverScheduler : SolverScheduler
{
    private const string Outputs = "model_outputs";

    private const string LastSample = "last_sample";

    private const string LastNoise = "last_noise";

    private readonly bool _clean;
    private readonly int _kept;
    private readonly float[] _alphas;

    public SaSolverScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        if (config.AlgorithmType is not ("data_prediction" or "noise_prediction"))
        {
            throw new SchedulerException($"algorithm_type is '{config.AlgorithmType}'; it must be data_prediction or noise_prediction");
        }

        if (config.PredictorOrder is < 1 or > 4 || config.CorrectorOrder is < 1 or > 4)
        {
            throw new SchedulerException(
                $"predictor_order is {config.PredictorOrder} and corrector_order {config.CorrectorOrder}; both must be 1 to 4"
            );
        }

        _clean = config.AlgorithmType is "data_prediction";
        _alphas = NoiseSchedule.Of(config, keepTerminalFinite: true).AlphasCumprod;
        _kept = Math.Max(config.PredictorOrder, config.CorrectorOrder - 1);
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        Tensor output = _clean ? Clean(modelOutput, i, sample) : Epsilon(modelOutput, i, sample, threshold: true);
        if (i > 0 && Kept.Has(LastSample))
        {
            // The corrector's order was settled with the step that it corrects.
            int known = Math.Min(Done(i - 1), _kept);
            int corrector = Config.LowerOrderFinal ? Math.Min(Config.CorrectorOrder, Timesteps.Count - (i - 1) + 1) : Config.CorrectorOrder;
            sample = Update(i, Math.Min(corrector, known + 2), Tau(i - 1), Kept[LastSample], Kept[LastNoise], output);
        }

        Kept.Push(Outputs, output, _kept);
        Kept.Set(LastSample, sample);
        Kept.Set(LastNoise, noise());
        int predictor = Config.LowerOrderFinal ? Math.Min(Config.PredictorOrder, Timesteps.Count - i) : Config.PredictorOrder;
        return Update(i + 1, Math.Min(predictor, Math.Min(Done(i), _kept) + 1), Tau(i), sample, Kept[LastNoise], corrected: null);
    }

    // Noise is added at the alpha of the whole timestep, not of the noise level.
    private protected override Tensor Noised(Tensor original, Tensor noise, int i)
    {
        float alpha = _alphas[(int)Timesteps[i]];
        return original * MathF.Sqrt(alpha) + noise * MathF.Sqrt(1 - alpha);
    }

    private int Tau(int i) => Timesteps[i] is >= 200 and <= 800 ? 1 : 0;

    /// <summary>The step that ends at an index: a prediction or, with the output found there, a correction.</summary>
    private Tensor Update(int end, int order, int tau, Tensor from, Tensor noise, Tensor? corrected)
    {
        (float alpha, float sigma) = Scales(Levels[end]);
        (float alpha0, float sigma0) = Scales(Levels[end - 1]);
        (float lambda, float lambda0) = (Lambda(Levels[end]), Lambda(Levels[end - 1]));
        float h = lambda - lambda0;
        int newest = corrected is null ? end - 1 : end;
        float[] lambdas = [.. Enumerable.Range(0, order).Select(k => Lambda(Levels[newest - k]))];
        float[] weights = SaSolverCoefficients.Of(lambdas, lambda0, lambda, _clean ? tau : null);
        int variance = 1 + tau * tau;
        if (_clean && order == 2)
        {
            float change = SaSolverCoefficients.SecondOrder(
                variance,
                lambda,
                h,
                corrected is null ? lambda0 - Lambda(Levels[end - 2]) : null
            );
            weights[0] += change;
            weights[1] -= change;
        }

        float scale = _clean ? variance * sigma * MathF.Exp(-(tau * tau) * lambda) : -variance * alpha;
        Tensor? gradient = null;
        for (int k = 0; k < order; k++)
        {
            Tensor output =
                corrected is null ? Kept.Past(Outputs, k + 1)
                : k == 0 ? corrected
                : Kept.Past(Outputs, k);
            Tensor term = output * (scale * weights[k]);
            gradient = gradient is null ? term : gradient + term;
        }

        (float keep, float deviation) = _clean
            ? (MathF.Exp(-(tau * tau) * h) * (sigma / sigma0), sigma * MathF.Sqrt(1 - MathF.Exp(-2 * (tau * tau) * h)))
            : (alpha / alpha0, tau * sigma * MathF.Sqrt(MathF.Exp(2 * h) - 1));
        return from * keep + gradient! + noise * deviation;
    }
}
