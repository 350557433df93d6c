using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>Diffusion exponential integrator sampler, multistep with polynomials in the logarithm of rho (arXiv 2204.13902).</summary>
internal sealed class DeisScheduler : SolverScheduler
{
    private const int ShortRun = 15;

    private const string Outputs = "model_outputs";

    public DeisScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        if (config.AlgorithmType is not ("deis" or "dpmsolver" or "dpmsolver++"))
        {
            throw new SchedulerException($"algorithm_type is '{config.AlgorithmType}'; DEISMultistepScheduler knows deis");
        }

        if (config.SolverType is not ("logrho" or "midpoint" or "heun" or "bh1" or "bh2"))
        {
            throw new SchedulerException($"solver_type is '{config.SolverType}'; DEISMultistepScheduler knows logrho");
        }

        if (config.SolverOrder > 3)
        {
            throw new SchedulerException($"solver_order is {config.SolverOrder}; it must be 1, 2 or 3");
        }
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        (float alpha0, float sigma0) = Scales(Levels[i]);
        Tensor output = (sample - Clean(modelOutput, i, sample) * alpha0) / sigma0;
        Kept.Push(Outputs, output, Config.SolverOrder);
        bool lower = Config.LowerOrderFinal && Timesteps.Count < ShortRun;
        int order = Math.Min(Config.SolverOrder, Kept.Count(Outputs));
        if (lower)
        {
            order = Math.Min(order, Timesteps.Count - i);
        }

        (float alpha, float sigma) = Scales(Levels[i + 1]);
        if (order == 1)
        {
            float h = Lambda(Levels[i + 1]) - Lambda(Levels[i]);
            return sample * (alpha / alpha0) - output * (sigma * (MathF.Exp(h) - 1));
        }

        float Rho(int index)
        {
            (float a, float s) = Scales(Levels[index]);
            return s / a;
        }

        (float t, float s0, float s1) = (Rho(i + 1), Rho(i), Rho(i - 1));
        if (order == 2)
        {
            return (
                    sample / alpha0
                    + output * (Integral(t, s0, s1) - Integral(s0, s0, s1))
                    + Kept.Past(Outputs, 2) * (Integral(t, s1, s0) - Integral(s0, s1, s0))
                ) * alpha;
        }

        float s2 = Rho(i - 2);
        return (
                sample / alpha0
                + output * (Integral(t, s0, s1, s2) - Integral(s0, s0, s1, s2))
                + Kept.Past(Outputs, 2) * (Integral(t, s1, s2, s0) - Integral(s0, s1, s2, s0))
                + Kept.Past(Outputs, 3) * (Integral(t, s2, s0, s1) - Integral(s0, s2, s0, s1))
            ) * alpha;
    }

    // The integral up to t of (log t - log c) / (log b - log c).
    private static float Integral(float t, float b, float c) => t * (-MathF.Log(c) + MathF.Log(t) - 1) / (MathF.Log(b) - MathF.Log(c));

    // The integral up to t of (log t - log c)(log t - log d) / (log b - log c)(log b - log d).
    private static float Integral(float t, float b, float c, float d)
    {
        (float lt, float lb, float lc, float ld) = (MathF.Log(t), MathF.Log(b), MathF.Log(c), MathF.Log(d));
        float numerator = t * (lc * (ld - lt + 1) - ld * lt + ld + lt * lt - 2 * lt + 2);
        return numerator / ((lb - lc) * (lb - ld));
    }
}
