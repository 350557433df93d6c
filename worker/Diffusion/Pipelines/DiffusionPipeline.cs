namespace Generation.Diffusion.Pipelines;

/// <summary>Makes pictures from settings with one model. Not thread-safe: one run at a time uses a network.</summary>
/// <typeparam name="TSettings">The settings of one run.</typeparam>
public abstract class DiffusionPipeline<TSettings>
    where TSettings : DiffusionSettings
{
    /// <summary>Checks the settings, encodes the prompts and draws the first noise.</summary>
    /// <exception cref="SettingException">A setting has a value that it cannot have; the message names it.</exception>
    public abstract DenoisingRun Encode(TSettings settings);

    /// <summary>Makes pictures: encodes, loops, decodes.</summary>
    /// <param name="onStep">Called after each step, on this thread.</param>
    /// <param name="token">Checked before each step.</param>
    /// <exception cref="SettingException">A setting has a value that it cannot have; the message names it.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public PictureBatch Generate(TSettings settings, Action<StepReport>? onStep = null, CancellationToken token = default) =>
        Generate(settings, resume: null, onStep, token);

    /// <summary>Makes pictures, continuing from a saved state of the same settings.</summary>
    public PictureBatch Generate(TSettings settings, LoopState? resume, Action<StepReport>? onStep, CancellationToken token = default)
    {
        token.ThrowIfCancellationRequested();
        using DenoisingRun run = Encode(settings);
        if (resume is not null)
        {
            run.Restore(resume);
        }

        run.Loop(onStep, token);
        token.ThrowIfCancellationRequested();
        return run.Decode(token);
    }
}
