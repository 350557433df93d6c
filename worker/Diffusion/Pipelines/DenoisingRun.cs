using Generation.Diffusion.Schedulers;
using Generation.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Pipelines;

/// <summary>
/// One run of a pipeline. When it is made, the prompt is encoded and the first noise is drawn; <see cref="Loop"/> denoises and
/// <see cref="Decode"/> makes the pictures. The three may be called from different threads, one after the other, so that one run is decoded
/// while the next one loops.
/// </summary>
public abstract class DenoisingRun : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private Tensor? _latents;
    private int _next;
    private int _draws;

    protected DenoisingRun(Scheduler scheduler, NoiseSource noise, IReadOnlyList<long> seeds)
    {
        Scheduler = Own(scheduler);
        Noise = Own(noise);
        Seeds = seeds;
        _next = scheduler.BeginIndex;
    }

    public Scheduler Scheduler { get; }

    /// <summary>The seed of each picture.</summary>
    public IReadOnlyList<long> Seeds { get; }

    /// <summary>The number of steps of the run.</summary>
    public int Steps => Scheduler.EndIndex - Scheduler.BeginIndex;

    /// <summary>The index of the next step, between the scheduler's BeginIndex and EndIndex.</summary>
    public int Next => _next;

    /// <summary>The latents, (pictures, channels, height, width), in float32; owned by the run.</summary>
    public Tensor Latents => _latents ?? throw new InvalidOperationException("The run is disposed.");

    protected NoiseSource Noise { get; }

    /// <summary>Runs all steps that are left.</summary>
    /// <param name="onStep">Called after each step, on this thread.</param>
    /// <param name="token">Checked before each step; the run may later continue from where it stopped.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="NotFiniteException">The latents after the last step are no numbers.</exception>
    public void Loop(Action<StepReport>? onStep = null, CancellationToken token = default)
    {
        while (_next < Scheduler.EndIndex)
        {
            token.ThrowIfCancellationRequested();
            int i = _next;
            using (DisposeScope scope = NewDisposeScope())
            using (inference_mode())
            {
                Tensor prediction = Predict(Latents, i);
                Tensor stepped = AfterStep(Scheduler.Step(prediction, i, Latents, DrawStepNoise), i);
                SetLatents(stepped);
            }

            _next = i + 1;
            onStep?.Invoke(new StepReport(this, _next - Scheduler.BeginIndex, Steps, Scheduler.Timesteps[i], Latents));
        }

        // Once and not after each step: on a GPU the answer is waited for
        using DisposeScope last = NewDisposeScope();
        if (!Latents.isfinite().all().item<bool>())
        {
            throw new NotFiniteException("The latents after the last step");
        }
    }

    /// <summary>Decodes the latents to pictures.</summary>
    /// <param name="token">Checked between the parts that are decoded one by one: tiles, pictures, frames.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public abstract PictureBatch Decode(CancellationToken token = default);

    /// <summary>A small preview of picture (or clip) <paramref name="index"/> as it is now; null where the pipeline has none.</summary>
    public virtual Picture? Preview(int index = 0) => null;

    /// <summary>Copies all that is needed to continue from here.</summary>
    public LoopState SaveState() => new(_next, _draws, Latents.clone().DetachFromDisposeScope(), Scheduler.SaveState());

    /// <summary>Continues from where another run of the same settings stopped. The state remains the caller's.</summary>
    /// <exception cref="SettingException">The state is of another kind of run.</exception>
    public void Restore(LoopState state)
    {
        if (!state.Latents.shape.AsSpan().SequenceEqual(Latents.shape))
        {
            throw new SettingException(
                "state",
                $"has latents of shape [{string.Join(", ", state.Latents.shape)}] and this run [{string.Join(", ", Latents.shape)}]."
            );
        }

        if (state.Next < Scheduler.BeginIndex || state.Next > Scheduler.EndIndex || state.Draws < _draws)
        {
            throw new SettingException(
                "state",
                $"stands before step {state.Next} and this run has the steps {Scheduler.BeginIndex} to {Scheduler.EndIndex}."
            );
        }

        Scheduler.RestoreState(state.Scheduler);
        while (_draws < state.Draws)
        {
            DrawStepNoise().Dispose();
        }

        using DisposeScope scope = NewDisposeScope();
        SetLatents(state.Latents.to(Latents.device, copy: true));
        _next = state.Next;
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>The network's output for these latents, guidance applied, in the caller's scope.</summary>
    protected abstract Tensor Predict(Tensor latents, int i);

    /// <summary>
    /// The latents scaled to a standard deviation of about one, whatever the scheduler's scale of noise, in the caller's scope.
    /// </summary>
    protected Tensor EvenLatents() => _next < Scheduler.EndIndex ? Scheduler.ScaleModelInput(Latents, _next) : Latents.alias();

    /// <summary>Changes the latents after step <paramref name="i"/> (inpainting restores the area that is kept).</summary>
    protected virtual Tensor AfterStep(Tensor latents, int i) => latents;

    /// <summary>Takes a tensor out of its scope; it is disposed with the run.</summary>
    protected Tensor Keep(Tensor tensor)
    {
        tensor.DetachFromDisposeScope();
        _owned.Add(tensor);
        return tensor;
    }

    protected T Own<T>(T thing)
        where T : IDisposable
    {
        _owned.Add(thing);
        return thing;
    }

    /// <summary>Replaces the latents.</summary>
    protected void SetLatents(Tensor latents)
    {
        latents.DetachFromDisposeScope();
        _latents?.Dispose();
        _latents = latents;
    }

    protected virtual void Dispose(bool disposing)
    {
        if (!disposing)
        {
            return;
        }

        _latents?.Dispose();
        _latents = null;
        foreach (IDisposable thing in _owned)
        {
            thing.Dispose();
        }

        _owned.Clear();
    }

    private Tensor DrawStepNoise()
    {
        _draws++;
        return Noise.Draw(Latents.shape[1..]);
    }
}
