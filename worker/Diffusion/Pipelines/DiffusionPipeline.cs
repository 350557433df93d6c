namespace Generation.Diffusion.Pipelines;

/// <summary>A way from settings to pictures over one model. Not thread-safe: one run at a time per network.</summary>
/// <typeparam name="TSettings">What one run asks for.</typeparam>
public abstract class DiffusionPipeline<TSettings>
    where TSettings : DiffusionSettings
{
    /// <summary>Checks the settings, encodes the prompts and draws the prior.</summary>
    /// <exception cref="SettingException">A setting cannot be; the message names it.</exception>
    public abstract DenoisingRun Encode(TSettings settings);

    /// <summary>Makes pictures: encode, loop, decode.</summary>
    /// <param name="onStep">Called after each step, on this thread.</param>
    /// <param name="token">Looked at before each step.</param>
    /// <exception cref="SettingException">A setting cannot be; the message names it.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public PictureBatch Generate(TSettings settings, Action<StepReport>? onStep = null, CancellationToken token = default) =>
        Generate(settings, resume: null, onStep, token);

    /// <summary>Makes pictures, going on from a kept state of the same settings.</summary>
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
