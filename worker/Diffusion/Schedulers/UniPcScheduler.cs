using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// UniPC, arXiv 2302.04867: a multistep predictor of any order, and a corrector that uses the network's output at the predicted sample to
/// correct the step before without a further call.
/// </summary>
internal sealed class UniPcScheduler : SolverScheduler
{
    private const string Outputs = "model_outputs";

    private const string LastSample = "last_sample";

    private readonly bool _bh1;

    public UniPcScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        if (config.SolverType is not ("bh1" or "bh2" or "midpoint" or "heun" or "logrho"))
        {
            throw new SchedulerException($"solver_type is '{config.SolverType}'; UniPCMultistepScheduler knows bh1 and bh2");
        }

        _bh1 = config.SolverType is "bh1";
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        Tensor output = Config.PredictX0 ? Clean(modelOutput, i, sample) : Epsilon(modelOutput, i, sample, threshold: false);
        if (Kept.Has(LastSample) && !Config.DisableCorrector.Contains(i - 1))
        {
            sample = Corrected(output, i, OrderAt(i - 1));
        }

        Kept.Push(Outputs, output, Config.SolverOrder);
        Kept.Set(LastSample, sample);
        int order = OrderAt(i);
        var step = new Coefficients(this, i + 1, order);
        Tensor result = step.Base(sample, Kept.Past(Outputs, 1));
        if (order == 1)
        {
            return result;
        }

        // At order two the exact weight is close to one half, which is taken.
        float[] weights = order == 2 ? [0.5f] : LinearSystem.Solve(step.Powers(order - 1), step.Moments[..(order - 1)]);
        return result - step.Sum(weights) * step.Scale;
    }

    // The corrector of the step that led to index i, with one more known output.
    private Tensor Corrected(Tensor output, int i, int order)
    {
        var step = new Coefficients(this, i, order);
        float[] weights = order == 1 ? [0.5f] : LinearSystem.Solve(step.Powers(order), step.Moments);
        Tensor newest = (output - Kept.Past(Outputs, 1)) * weights[^1];
        Tensor sum = order == 1 ? newest : step.Sum(weights[..^1]) + newest;
        return step.Base(Kept[LastSample], Kept.Past(Outputs, 1)) - sum * step.Scale;
    }

    // As many past outputs as the run has seen at an index, and fewer towards its end.
    private int OrderAt(int i)
    {
        // A step to no noise at all is infinite in lambda: past outputs have no weight in it.
        int order =
            Levels[i + 1] == 0 ? 1
            : Config.LowerOrderFinal ? Math.Min(Config.SolverOrder, Timesteps.Count - i)
            : Config.SolverOrder;
        return Math.Min(order, Done(i) + 1);
    }

    /// <summary>The coefficients of the step that ends at an index, from the outputs at the indices before it.</summary>
    private sealed class Coefficients
    {
        private readonly UniPcScheduler _owner;
        private readonly float _ratio;
        private readonly float _phi;
        private readonly float[] _nodes;

        public Coefficients(UniPcScheduler owner, int end, int order)
        {
            _owner = owner;
            float[] levels = owner.Levels;
            bool clean = owner.Config.PredictX0;
            (float alpha, float sigma) = owner.Scales(levels[end]);
            (float alpha0, float sigma0) = owner.Scales(levels[end - 1]);
            float lambda0 = owner.Lambda(levels[end - 1]);
            float h = owner.Lambda(levels[end]) - lambda0;
            float hh = clean ? -h : h;
            float phi1 = ExpMinusOne(hh);
            float outer = clean ? alpha : sigma;
            float b = owner._bh1 ? hh : phi1;
            _ratio = clean ? sigma / sigma0 : alpha / alpha0;
            _phi = outer * phi1;
            Scale = outer * b;
            _nodes = [.. Enumerable.Range(1, order - 1).Select(k => (owner.Lambda(levels[end - 1 - k]) - lambda0) / h), 1];
            Moments = new float[order];
            float phi = phi1 / hh - 1;
            float factorial = 1;
            for (int k = 1; k <= order; k++)
            {
                Moments[k - 1] = phi * factorial / b;
                factorial *= k + 1;
                phi = phi / hh - (float)(1d / factorial);
            }
        }

        public float Scale { get; }

        public float[] Moments { get; }

        public Tensor Base(Tensor sample, Tensor output) => sample * _ratio - output * _phi;

        /// <summary>The first powers of the nodes, one power per row.</summary>
        public float[][] Powers(int size) =>
            [.. Enumerable.Range(0, size).Select(p => _nodes[..size].Select(n => MathF.Pow(n, p)).ToArray())];

        /// <summary>The weighted sum of the differences to past outputs.</summary>
        public Tensor Sum(float[] weights)
        {
            Tensor present = _owner.Kept.Past(Outputs, 1);
            Tensor? sum = null;
            for (int k = 0; k < weights.Length; k++)
            {
                Tensor term = (_owner.Kept.Past(Outputs, k + 2) - present) / _nodes[k] * weights[k];
                sum = sum is null ? term : sum + term;
            }

            return sum!;
        }

        private static float ExpMinusOne(float x)
        {
            double wide = x;
            return (float)(Math.Abs(wide) < 1e-5 ? wide + wide * wide / 2 : Math.Exp(wide) - 1);
        }
    }
}
