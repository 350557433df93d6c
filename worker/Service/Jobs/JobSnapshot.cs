using Generation.Diffusion.Pipelines;

namespace Generation.Service.Jobs;

/// <summary>
/// Where a job's pictures stand: for each picture begun, its run between two steps. One thread computes and updates,
/// another saves; each state is owned here until it is replaced.
/// </summary>
internal sealed class JobSnapshot : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<int, LoopState> _states = [];
    private int _step;
    private bool _disposed;

    /// <summary>Steps done over all pictures.</summary>
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

    /// <summary>Takes the newest state of a picture, and <paramref name="step"/>, the steps done over all.</summary>
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

    /// <summary>Calls <paramref name="use"/> with the state of a picture, if it was begun; nothing changes meanwhile.</summary>
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

    /// <summary>Calls <paramref name="use"/> with all states and the steps done; nothing changes meanwhile.</summary>
    public T Use<T>(Func<IReadOnlyDictionary<int, LoopState>, int, T> use)
    {
        lock (_lock)
        {
            return use(_states, _step);
        }
    }

    /// <summary>Nothing is begun.</summary>
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
