using Generation.Imaging;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>What a run reports after each step.</summary>
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

    /// <summary>The number of steps done, from 1. Each half step of second order schedulers counts.</summary>
    public int Step { get; }

    /// <summary>The number of steps of the run.</summary>
    public int Steps { get; }

    /// <summary>The timestep of the step just done.</summary>
    public double Timestep { get; }

    /// <summary>The latents, (pictures, channels, height, width), in float32; valid during the call.</summary>
    public Tensor Latents { get; }

    /// <summary>A small preview of picture (or clip) <paramref name="index"/> as it is now; null where the pipeline has none.</summary>
    public Picture? Preview(int index = 0) => _run.Preview(index);

    /// <summary>Copies all that is needed to continue from here.</summary>
    public LoopState SaveState() => _run.SaveState();
}
