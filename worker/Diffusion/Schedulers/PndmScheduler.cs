using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// Pseudo numerical methods for diffusion models, arXiv 2202.09778: a linear multistep method of order four (PLMS), begun by Runge-Kutta
/// steps (PRK) or, with skip_prk_steps, by lower orders.
/// </summary>
internal sealed class PndmScheduler : VariancePreservingScheduler
{
    private const int MethodOrder = 4;

    private const string Outputs = "model_outputs";

    private readonly double[] _prk;

    public PndmScheduler(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, options)
    {
        // All but the multistep method's, of which the beginning spares three
        _prk = config.SkipPrkSteps ? [] : [.. Timesteps.SkipLast(steps - 3)];
    }

    private protected override Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        if (Config.PredictionType is not ("epsilon" or "v_prediction"))
        {
            throw Prediction.Unknown(Config, "epsilon or v_prediction");
        }

        return Done(i) < _prk.Length ? RungeKutta(modelOutput, i, sample) : Multistep(modelOutput, i, sample);
    }

    private Tensor RungeKutta(Tensor output, int i, Tensor sample)
    {
        const string Sum = "sum";
        int done = Done(i);
        int half = done % 2 == 0 ? Config.NumTrainTimesteps / Steps / 2 : 0;
        int start = (int)_prk[done / 4 * 4];
        Tensor slope = output;
        switch (done % 4)
        {
            case 0:
                Kept.Set(Sum, output * (1d / 6));
                Kept.Push(Outputs, output, MethodOrder);
                Kept.Set("sample", sample);
                break;
            case 1 or 2:
                Kept.Set(Sum, (Kept.Has(Sum) ? Kept[Sum] : zeros_like(output)) + output * (1d / 3));
                break;
            default:
                slope = (Kept.Has(Sum) ? Kept[Sum] : zeros_like(output)) + output * (1d / 6);
                Kept.Remove(Sum);
                break;
        }

        return Transfer(Kept["sample"], start, Timestep(i) - half, slope);
    }

    private Tensor Multistep(Tensor output, int i, Tensor sample)
    {
        int done = Done(i);
        int ratio = Config.NumTrainTimesteps / Steps;
        (int from, int to) = (Timestep(i), Timestep(i) - ratio);
        if (done == 1)
        {
            (from, to) = (from + ratio, from);
        }
        else
        {
            Kept.Push(Outputs, output, MethodOrder);
        }

        Tensor Past(int age) => Kept.Past(Outputs, age);
        switch (Kept.Count(Outputs))
        {
            case 1 when done == 0:
                Kept.Set("sample", sample);
                return Transfer(sample, from, to, output);
            case 1 when done == 1:
                Tensor corrected = Transfer(Kept["sample"], from, to, (output + Past(1)) / 2);
                Kept.Remove("sample");
                return corrected;
            case 2:
                return Transfer(sample, from, to, (Past(1) * 3 - Past(2)) / 2);
            case 3:
                return Transfer(sample, from, to, (Past(1) * 23 - Past(2) * 16 + Past(3) * 5) / 12);
            default:
                return Transfer(sample, from, to, (Past(1) * 55 - Past(2) * 59 + Past(3) * 37 - Past(4) * 9) * (1d / 24));
        }
    }

    // Formula 9 of the paper: the way from one timestep to another along a noise estimate.
    private Tensor Transfer(Tensor sample, int from, int to, Tensor output)
    {
        (float alpha, float previous) = (AlphaAt(from), AlphaAt(to));
        (float beta, float betaPrevious) = (1 - alpha, 1 - previous);
        if (Config.PredictionType is "v_prediction")
        {
            output = output * MathF.Sqrt(alpha) + sample * MathF.Sqrt(beta);
        }

        float scale = MathF.Sqrt(previous / alpha);
        float denominator = alpha * MathF.Sqrt(betaPrevious) + MathF.Sqrt(alpha * beta * previous);
        return sample * scale - output * (previous - alpha) / denominator;
    }
}
