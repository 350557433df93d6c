using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// DPM-Solver and DPM-Solver++ in their singlestep form: the timesteps are in groups of the solver's order, and each call refines the step
/// from the group's start.
/// </summary>
internal sealed class DpmSolverSinglestepScheduler : SolverScheduler
{
    private const string Outputs = "model_outputs";

    private readonly DpmSolverUpdate _update;
    private readonly int[] _orders;

    public DpmSolverSinglestepScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        _update = DpmSolverUpdate.Of(config, "dpmsolver", "dpmsolver++", "sde-dpmsolver++");
        _orders = Orders(config, Timesteps.Count);
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        Tensor output = _update.PredictsClean ? Clean(modelOutput, i, sample) : Epsilon(modelOutput, i, sample, threshold: true);
        Kept.Push(Outputs, output, Config.SolverOrder);
        Tensor? drawn = _update.IsStochastic ? noise() : null;
        // A run that begins inside a group has not the outputs for its order.
        int order = Math.Min(_orders[i], Kept.Count(Outputs));
        if (order == 1)
        {
            Kept.Set("sample", sample);
        }

        int start = i - order + 1;
        (float alphaStart, float sigmaStart) = Scales(Levels[start]);
        (float alpha, float sigma) = Scales(Levels[i + 1]);
        float lambdaStart = Lambda(Levels[start]);
        float h = Lambda(Levels[i + 1]) - lambdaStart;
        var span = new DpmSolverUpdate.Span(alphaStart, sigmaStart, alpha, sigma, h);
        Tensor from = Kept["sample"];
        float r0 = (Lambda(Levels[i]) - lambdaStart) / h;
        switch (order)
        {
            case 1:
                return _update.First(span, from, output, drawn);
            case 2:
                Tensor first = Kept.Past(Outputs, 2);
                return _update.Second(span, from, first, (output - first) * (1 / r0), drawn);
            default:
                Tensor d0 = Kept.Past(Outputs, 3);
                float r1 = (Lambda(Levels[i - 1]) - lambdaStart) / h;
                Tensor early = (Kept.Past(Outputs, 2) - d0) * (1 / r1);
                Tensor late = (output - d0) * (1 / r0);
                Tensor d1 = (early * r0 - late * r1) / (r0 - r1);
                Tensor d2 = (late - early) * 2 / (r0 - r1);
                return _update.ThirdSingle(span, from, d0, d1, late, d2, drawn);
        }
    }

    /// <summary>The order of each call: groups of 1, 2, ... up to the solver's order, and a smaller group at the end.</summary>
    private static int[] Orders(SchedulerConfig config, int steps)
    {
        int order = config.SolverOrder;
        bool lowerFinal = config.LowerOrderFinal || steps % order != 0 || config.FinalSigmasType is "zero";
        int[] group = [.. Enumerable.Range(1, order)];
        IEnumerable<int> Groups(int count) => Enumerable.Repeat(group, Math.Max(count, 0)).SelectMany(g => g);
        int rest = steps % order;
        int[] orders = (lowerFinal, order) switch
        {
            (true, 3) when rest == 0 => [.. Groups(steps / 3 - 1), 1, 2, 1],
            (true, 2) when rest == 0 => [.. Groups(steps / 2 - 1), 1, 1],
            _ => [.. Groups(steps / order), .. group.Take(rest)],
        };
        if (config.FinalSigmasType is "zero")
        {
            orders[^1] = 1;
        }

        return orders;
    }
}
