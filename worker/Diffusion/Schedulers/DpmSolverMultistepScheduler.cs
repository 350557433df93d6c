using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// DPM-Solver and DPM-Solver++ in their multistep form, deterministic and stochastic: derivatives are estimated from the outputs of past
/// steps.
/// </summary>
internal sealed class DpmSolverMultistepScheduler : SolverScheduler
{
    /// <summary>Runs with fewer steps than this use lower orders at their end, for stability.</summary>
    private const int ShortRun = 15;

    private const string Outputs = "model_outputs";

    private readonly DpmSolverUpdate _update;

    public DpmSolverMultistepScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        _update = DpmSolverUpdate.Of(config, "dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++");
        if (config is { SolverOrder: 3, AlgorithmType: "sde-dpmsolver" })
        {
            throw new SchedulerException("solver_order is 3; algorithm_type sde-dpmsolver has orders 1 and 2");
        }
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        Tensor output = _update.PredictsClean ? Clean(modelOutput, i, sample) : Epsilon(modelOutput, i, sample, threshold: true);
        Kept.Push(Outputs, output, Config.SolverOrder);
        Tensor? drawn = _update.IsStochastic ? noise() : null;
        (int count, bool isShort) = (Timesteps.Count, Timesteps.Count < ShortRun);
        int order = Math.Min(Config.SolverOrder, Kept.Count(Outputs));
        if (i == count - 1 && (Config.EulerAtFinal || (Config.LowerOrderFinal && isShort) || Config.FinalSigmasType is "zero"))
        {
            order = 1;
        }
        else if (i == count - 2 && Config.LowerOrderFinal && isShort)
        {
            order = Math.Min(order, 2);
        }

        (float alpha0, float sigma0) = Scales(Levels[i]);
        (float alpha, float sigma) = Scales(Levels[i + 1]);
        float lambda0 = Lambda(Levels[i]);
        float h = Lambda(Levels[i + 1]) - lambda0;
        var span = new DpmSolverUpdate.Span(alpha0, sigma0, alpha, sigma, h);
        // Past outputs have no weight in a step of no length (sigma_min comes twice at the end of shaped levels).
        if (order == 1 || h == 0)
        {
            return _update.First(span, sample, output, drawn);
        }

        float lambda1 = Lambda(Levels[i - 1]);
        float r0 = (lambda0 - lambda1) / h;
        Tensor d0 = (output - Kept.Past(Outputs, 2)) * (1 / r0);
        if (order == 2)
        {
            return _update.Second(span, sample, output, d0, drawn);
        }

        float r1 = (lambda1 - Lambda(Levels[i - 2])) / h;
        Tensor d1 = (Kept.Past(Outputs, 2) - Kept.Past(Outputs, 3)) * (1 / r1);
        Tensor change = d0 - d1;
        return _update.Third(span, sample, output, d0 + change * (r0 / (r0 + r1)), change * (1 / (r0 + r1)), drawn);
    }
}
