using Generation.Diffusion.Pipelines;

namespace Generation.Service.Jobs;

/// <summary>
/// The state of a job's pictures between two steps: one <see cref="LoopState"/> for each picture that was begun. One thread computes and
/// updates, another saves; each state belongs to the snapshot until it is replaced.
/// </summary>
internal sealed class JobSnapshot : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<int, LoopState> _states = [];
    private int _step;
    private bool _disposed;

    /// <summary>How many steps are done, over all pictures.</summary>
    public int Step
    {
        get
        {
            lock (_lock)
            {
                return _step;
            }
        }
    }

    /// <summary>Stores the newest state of a picture, and <paramref name="step"/>, the number of steps done over all pictures.</summary>
    public void Update(int picture, LoopState state, int step)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                state.Dispose();
                return;
            }

            if (_states.Remove(picture, out LoopState? old))
            {
                old.Dispose();
            }

            _states[picture] = state;
            _step = step;
        }
    }

    /// <summary>
    /// Calls <paramref name="use"/> with the state of a picture if the picture was begun, and returns whether it was. Nothing changes
    /// meanwhile.
    /// </summary>
    public bool TryUse(int picture, Action<LoopState> use)
    {
        lock (_lock)
        {
            if (!_states.TryGetValue(picture, out LoopState? state))
            {
                return false;
            }

            use(state);
            return true;
        }
    }

    /// <summary>Calls <paramref name="use"/> with all states and the number of steps done. Nothing changes meanwhile.</summary>
    public T Use<T>(Func<IReadOnlyDictionary<int, LoopState>, int, T> use)
    {
        lock (_lock)
        {
            return use(_states, _step);
        }
    }

    /// <summary>Forgets all states, as if no picture had been begun.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            foreach (LoopState state in _states.Values)
            {
                state.Dispose();
            }

            _states.Clear();
            _step = 0;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            Clear();
        }
    }
}
