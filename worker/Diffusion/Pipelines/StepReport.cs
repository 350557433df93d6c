using Generation.Imaging;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>What a run tells after each step.</summary>
public sealed class StepReport
{
    private readonly DenoisingRun _run;

    internal StepReport(DenoisingRun run, int step, int steps, double timestep, Tensor latents)
    {
        _run = run;
        Step = step;
        Steps = steps;
        Timestep = timestep;
        Latents = latents;
    }

    /// <summary>Steps done, from 1; of second order schedulers each half counts.</summary>
    public int Step { get; }

    /// <summary>Steps that the run takes in all.</summary>
    public int Steps { get; }

    /// <summary>The network's time at the step just done.</summary>
    public double Timestep { get; }

    /// <summary>(pictures, channels, height, width), float32, borrowed for the call.</summary>
    public Tensor Latents { get; }

    /// <summary>A small picture of how far picture (or clip) <paramref name="index"/> is; null where the pipeline has none.</summary>
    public Picture? Preview(int index = 0) => _run.Preview(index);

    /// <summary>A copy of all that is needed to go on from here.</summary>
    public LoopState SaveState() => _run.SaveState();
}
