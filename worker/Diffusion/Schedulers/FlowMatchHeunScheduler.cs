using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>Heun's method along a rectified flow. Two calls of the network a step.</summary>
internal sealed class FlowMatchHeunScheduler : FlowMatchScheduler
{
    private const string Slope = "derivative";

    public FlowMatchHeunScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        var first = !Kept.Has(Slope);
        var sigma = Levels[first ? i : i - 1];
        var next = Levels[first ? i + 1 : i];
        var gamma = Options.STmin <= sigma && sigma <= Options.STmax
            ? Math.Min(Options.SChurn / (Levels.Length - 1), Math.Sqrt(2) - 1)
            : 0;
        var raised = sigma * (float)(gamma + 1);
        if (gamma > 0)
        {
            sample = sample + noise() * Options.SNoise * MathF.Sqrt(raised * raised - sigma * sigma);
        }

        if (first)
        {
            var slope = (sample - (sample - modelOutput * sigma)) / raised;
            Kept.Set(Slope, slope);
            Kept.Set("sample", sample);
            return sample + slope * (next - raised);
        }

        var mean = (Kept[Slope] + (sample - (sample - modelOutput * next)) / next) * 0.5;
        var result = Kept["sample"] + mean * (next - raised);
        Kept.Remove(Slope);
        Kept.Remove("sample");
        return result;
    }
}
