namespace Generation.Service.Jobs;

/// <summary>
/// Lets in as many jobs as there are slots. While the gate is full or closed this worker takes nothing from the broker, so that no job
/// waits behind a busy worker.
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

    /// <summary>Whether the gate is closed, so that no job will be let in any more.</summary>
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

    /// <summary>Whether an operator lets no job in; those that run go on.</summary>
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

    /// <summary>Completes at the next change. Read it before looking at the gate, so that no change is missed in between.</summary>
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

    /// <summary>Takes a slot. Null when all are taken or the gate is closed.</summary>
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

    /// <summary>
    /// Takes a slot, and waits for one at most <paramref name="patience"/>. Null when none came free, or the gate was closed.
    /// </summary>
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

    /// <summary>Lets no job in for as long as there is a reason.</summary>
    /// <param name="reason">The reason; any one of several is enough.</param>
    /// <param name="held">Whether the reason applies now.</param>
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

    /// <summary>Closes the gate for good: no job is let in any more.</summary>
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

/// <summary>Why a gate lets no job in for now.</summary>
[Flags]
public enum Holds
{
    None = 0,

    /// <summary>The results store could not be written to.</summary>
    Results = 1,

    /// <summary>An operator drains the worker.</summary>
    Drain = 2,

    /// <summary>The worker is not registered yet, so that it does not know whether an operator drains it.</summary>
    Unregistered = 4,
}

/// <summary>A slot that a job has taken. Disposing it gives the slot back; doing so more than once is harmless.</summary>
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
