namespace Generation.Service.Jobs;

/// <summary>
/// Lets as many jobs in as there are slots. When it is full or closed this worker takes nothing from the broker,
/// so that no job waits behind a busy worker.
/// </summary>
public sealed class SlotGate(int slots, TimeProvider time)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = NewSignal();
    private int _taken;
    private bool _closed;
    private Holds _held;

    public int Slots { get; } = slots;

    public int Taken
    {
        get
        {
            lock (_lock)
            {
                return _taken;
            }
        }
    }

    /// <summary>Whether a job would be let in now.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_lock)
            {
                return !_closed && _held == Holds.None && _taken < Slots;
            }
        }
    }

    /// <summary>Whether no job will be let in any more.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_lock)
            {
                return _closed;
            }
        }
    }

    /// <summary>Whether an operator lets no job in: those inside go on.</summary>
    public bool IsDraining
    {
        get
        {
            lock (_lock)
            {
                return _held.HasFlag(Holds.Drain);
            }
        }
    }

    /// <summary>Completes at the next change. Take it before looking, so that no change falls between.</summary>
    public Task Changed
    {
        get
        {
            lock (_lock)
            {
                return _changed.Task;
            }
        }
    }

    /// <summary>A slot, or null when all are taken or the gate is closed.</summary>
    public SlotTicket? TryEnter()
    {
        lock (_lock)
        {
            if (_closed || _held != Holds.None || _taken == Slots)
            {
                return null;
            }

            _taken++;
            Signal();
        }

        return new SlotTicket(this);
    }

    /// <summary>A slot, waited for at most <paramref name="patience"/>; null when none came free or the gate was closed.</summary>
    public async Task<SlotTicket?> EnterAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        while (true)
        {
            Task changed = Changed;
            if (TryEnter() is { } ticket)
            {
                return ticket;
            }

            if (IsClosed)
            {
                return null;
            }

            try
            {
                await changed.WaitAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return null;
            }
        }
    }

    /// <summary>Nobody is let in for as long as there is a reason.</summary>
    /// <param name="reason">One of several, each of which is enough.</param>
    /// <param name="held">Whether it holds now.</param>
    public void Hold(Holds reason, bool held)
    {
        lock (_lock)
        {
            Holds now = held ? _held | reason : _held & ~reason;
            if (now != _held)
            {
                _held = now;
                Signal();
            }
        }
    }

    /// <summary>From now on nobody is let in.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Signal();
        }
    }

    internal void Leave()
    {
        lock (_lock)
        {
            _taken--;
            Signal();
        }
    }

    private void Signal()
    {
        TaskCompletionSource changed = _changed;
        _changed = NewSignal();
        changed.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>Why a gate lets nobody in for now.</summary>
[Flags]
public enum Holds
{
    None = 0,

    /// <summary>Nothing could be stored.</summary>
    Results = 1,

    /// <summary>An operator drains the worker.</summary>
    Drain = 2,

    /// <summary>The system has not answered yet that it knows the worker, nor whether an operator drains it.</summary>
    Unregistered = 4,
}

/// <summary>A place inside the gate. Disposing it, any number of times, gives it back.</summary>
public sealed class SlotTicket(SlotGate gate) : IDisposable
{
    private int _left;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _left, 1) == 0)
        {
            gate.Leave();
        }
    }
}
