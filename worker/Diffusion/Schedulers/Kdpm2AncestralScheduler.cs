using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>The ancestral form of <see cref="Kdpm2Scheduler"/>: each step goes below the next noise level and noise is added up to it.</summary>
internal sealed class Kdpm2AncestralScheduler : VarianceExplodingScheduler
{
    private readonly float[] _between;
    private readonly float[] _up;
    private readonly float[] _down;

    public Kdpm2AncestralScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        var (timesteps, levels) = Plan(roundKarras: true);
        float[] sigmas = [.. Grid.ToSingle(levels), 0];
        var up = new float[sigmas.Length];
        var down = new float[sigmas.Length];
        var between = new float[sigmas.Length];
        for (var k = 0; k + 1 < sigmas.Length; k++)
        {
            var (from, to) = (sigmas[k], sigmas[k + 1]);
            up[k] = MathF.Sqrt(to * to * (from * from - to * to) / (from * from));
            down[k] = MathF.Sqrt(MathF.Max(to * to - up[k] * up[k], 0));
            between[k] = k + 2 < sigmas.Length ? Kdpm2Scheduler.Middle(from, down[k]) : 0;
        }

        SetLevels([.. DoubledTail(sigmas), 0]);
        _between = [.. DoubledTail(between), 0];
        _up = [.. DoubledTail(up), 0];
        _down = [.. DoubledTail(down), 0];
        SetTimesteps([timesteps[0], .. timesteps.Skip(1).SelectMany((t, k) => new[] { SigmaShape.TimestepSingle(between[k], LogTable), t })]);
    }

    public override int Order => 2;

    private protected override float InputLevel(int i) => i % 2 == 0 ? Levels[i] : _between[i - 1];

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        if (!Kept.Has("sample"))
        {
            var sigma = Levels[i];
            var clean = Prediction.CleanAt(Config, modelOutput, sample, sigma, samples: false);
            Kept.Set("sample", sample);
            return sample + (sample - clean) / sigma * (_between[i] - sigma);
        }

        var middle = _between[i - 1];
        var cleaner = Prediction.CleanAt(Config, modelOutput, sample, middle, samples: false);
        var lower = Kept["sample"] + (sample - cleaner) / middle * (_down[i - 1] - Levels[i - 1]);
        Kept.Remove("sample");
        return lower + noise() * _up[i - 1];
    }
}
