using static TorchSharp.torch;

namespace Generation.Diffusion.Schedulers;

/// <summary>Draws standard normal noise in the shape of the sample, in the order of the calls. The scheduler disposes it.</summary>
public delegate Tensor StepNoise();

/// <summary>
/// The arithmetic of one run: the timesteps, the network's input at each of them, and the update from one latent to the next. It is built
/// for one run from an immutable config and knows nothing of networks. The formulas, their order of operations and their precision
/// (schedules in float32 or float64 as there) are those of diffusers 0.35.2.
/// </summary>
/// <remarks>
/// A run is: noise times <see cref="InitNoiseSigma"/> (or <see cref="AddNoise"/> at <see cref="BeginIndex"/>), then for each i from
/// BeginIndex to before <see cref="EndIndex"/> <see cref="ScaleModelInput"/>, the network at <see cref="Timesteps"/>[i], and
/// <see cref="Step"/>. Steps come in order; the state in between can be saved and restored. Results are made in the caller's dispose scope.
/// </remarks>
public abstract partial class Scheduler : IDisposable
{
    private int? _first;
    private int? _next;

    private protected Scheduler(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        Timetable = Timetable.Of(config, steps, options);
    }

    /// <summary>The timesteps at which the run calls its network.</summary>
    public Timetable Timetable { get; }

    public SchedulerConfig Config => Timetable.Config;

    public SchedulerOptions Options => Timetable.Options;

    /// <inheritdoc cref="Timetable.Steps"/>
    public int Steps => Timetable.Steps;

    /// <inheritdoc cref="Timetable.Timesteps"/>
    public IReadOnlyList<double> Timesteps => Timetable.Timesteps;

    /// <inheritdoc cref="Timetable.Sigmas"/>
    public IReadOnlyList<double> Sigmas => Timetable.Sigmas;

    /// <summary>The standard deviation of the latent that a run from pure noise starts with.</summary>
    public virtual double InitNoiseSigma => 1;

    /// <inheritdoc cref="Timetable.Order"/>
    public int Order => Timetable.Order;

    /// <summary>The first index to run; see <see cref="Timetable.Window"/>.</summary>
    public int BeginIndex => Timetable.Window.Begin;

    /// <summary>The index after the last one to run; see <see cref="Timetable.Window"/>.</summary>
    public int EndIndex => Timetable.Window.End;

    /// <summary>Returns what the network is given in place of the sample at index <paramref name="i"/>.</summary>
    /// <param name="sample">The latent (batch, channels, height, width) or any other shape.</param>
    /// <param name="i">Index into <see cref="Timesteps"/>.</param>
    public virtual Tensor ScaleModelInput(Tensor sample, int i)
    {
        CheckIndex(i);
        return sample.alias();
    }

    /// <summary>Returns the latent after the call at index <paramref name="i"/>.</summary>
    /// <param name="modelOutput">The network's output, guidance applied, shaped as the sample.</param>
    /// <param name="i">Index into <see cref="Timesteps"/>; the first call may be at any, each next one follows.</param>
    /// <param name="sample">The latent before scaling.</param>
    /// <param name="noise">Draws the noise that a stochastic method adds; called only where one is needed.</param>
    /// <returns>A new tensor of the sample's type and shape, in the caller's dispose scope.</returns>
    /// <exception cref="SchedulerException">The index is out of order.</exception>
    public Tensor Step(Tensor modelOutput, int i, Tensor sample, StepNoise noise)
    {
        ArgumentNullException.ThrowIfNull(modelOutput);
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(noise);
        CheckIndex(i);
        if (_next is { } next && next != i)
        {
            throw new SchedulerException($"step {i} is out of order; the next one is {next} of {Timesteps.Count}");
        }

        using TorchSharp.DisposeScope scope = NewDisposeScope();
        _first ??= i;
        Tensor result = Advance(modelOutput.to(ScalarType.Float32), i, sample.to(ScalarType.Float32), () => noise().to(ScalarType.Float32));
        _next = i + 1;
        return result.to(sample.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the original with as much noise as the latent has before the call at index <paramref name="i"/>.</summary>
    /// <param name="original">A clean latent.</param>
    /// <param name="noise">Standard normal noise of the same shape.</param>
    /// <param name="i">Index into <see cref="Timesteps"/>.</param>
    public Tensor AddNoise(Tensor original, Tensor noise, int i)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(noise);
        CheckIndex(i);
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        return Noised(original, noise, i).MoveToOuterDisposeScope();
    }

    /// <summary>Copies the state that the scheduler keeps between steps. The caller disposes the copy.</summary>
    public SchedulerState SaveState()
    {
        var tensors = Kept.Tensors.ToDictionary(p => p.Key, p => p.Value.clone().DetachFromDisposeScope(), StringComparer.Ordinal);
        var numbers = new Dictionary<string, double>(StringComparer.Ordinal) { ["steps"] = Steps, ["timesteps"] = Timesteps.Count };
        if (_first is { } first && _next is { } next)
        {
            numbers["begin"] = first;
            numbers["next"] = next;
        }

        return new SchedulerState(Config.ClassName, tensors, numbers);
    }

    /// <summary>Restores a state that a scheduler of the same config, steps and options saved. The state remains the caller's.</summary>
    /// <exception cref="SchedulerException">The state is of another scheduler.</exception>
    public void RestoreState(SchedulerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        double steps = state.Numbers.GetValueOrDefault("steps");
        double timesteps = state.Numbers.GetValueOrDefault("timesteps");
        if (!string.Equals(state.Scheduler, Config.ClassName, StringComparison.Ordinal) || steps != Steps || timesteps != Timesteps.Count)
        {
            throw new SchedulerException(
                $"the state is of a {state.Scheduler} with {steps} steps ({timesteps} timesteps), and this is a {Config.ClassName} with "
                    + $"{Steps} ({Timesteps.Count})"
            );
        }

        Kept.Dispose();
        foreach ((string? name, Tensor? tensor) in state.Tensors)
        {
            Kept.Set(name, tensor);
        }

        _first = state.Numbers.TryGetValue("begin", out double begin) ? (int)begin : null;
        _next = state.Numbers.TryGetValue("next", out double next) ? (int)next : null;
    }

    public void Dispose()
    {
        Kept.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The noise level at each index and after the last.</summary>
    private protected float[] Levels => Timetable.Levels;

    /// <summary>The tensors kept between steps.</summary>
    private protected History Kept { get; } = new();

    /// <summary>How many steps this run has done before index <paramref name="i"/>.</summary>
    private protected int Done(int i) => i - (_first ?? i);

    /// <summary>Computes one step in float32, in a dispose scope of its own that only the result leaves.</summary>
    private protected abstract Tensor Advance(Tensor modelOutput, int i, Tensor sample, StepNoise noise);

    private protected abstract Tensor Noised(Tensor original, Tensor noise, int i);

    private void CheckIndex(int i)
    {
        if ((uint)i >= (uint)Timesteps.Count)
        {
            throw new SchedulerException($"there is no step {i}; the run has {Timesteps.Count}");
        }
    }
}
