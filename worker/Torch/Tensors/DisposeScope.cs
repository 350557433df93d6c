namespace TorchSharp;

/// <summary>
/// Owns the tensors that its thread makes while it is the innermost scope, and releases them when it ends.
/// A tensor that is to live longer is moved out by name.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    [ThreadStatic]
    private static DisposeScope? s_current;

    private readonly List<IDisposable?> _owned = new(16);
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _disposed;

    internal DisposeScope()
    {
        OuterScope = s_current;
        s_current = this;
    }

    /// <summary>The innermost open scope of this thread.</summary>
    internal static DisposeScope? Current => s_current;

    internal DisposeScope? OuterScope { get; }

    /// <summary>How many objects the scope owns.</summary>
    public int DisposablesCount
    {
        get
        {
            int count = 0;
            foreach (IDisposable? owned in _owned)
            {
                count += owned is null ? 0 : 1;
            }

            return count;
        }
    }

    public IReadOnlyList<IDisposable> DisposablesView => [.. _owned.OfType<IDisposable>()];

    public bool Contains(IDisposable disposable) =>
        disposable is torch.Tensor tensor ? tensor.OwningScope == this : _owned.Contains(disposable);

    /// <summary>Gives the object to the scope around this one, or to nobody if there is none.</summary>
    public T MoveToOuter<T>(T disposable)
        where T : IDisposable => MoveToOther(OuterScope, disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable => (MoveToOuter(first), MoveToOuter(second));

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable => (MoveToOuter(first), MoveToOuter(second), MoveToOuter(third));

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOuter((IEnumerable<IDisposable>)disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables)
    {
        foreach (IDisposable disposable in disposables)
        {
            MoveToOuter(disposable);
        }
    }

    /// <summary>Gives the object to <paramref name="scope"/>, or to nobody if that is null.</summary>
    public T MoveToOther<T>(DisposeScope? scope, T disposable)
        where T : IDisposable
    {
        Release(disposable);
        scope?.Add(disposable);
        return disposable;
    }

    /// <summary>Takes the object out of the scope: its owner disposes it.</summary>
    public T Detach<T>(T disposable)
        where T : IDisposable
    {
        Release(disposable);
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable => (Detach(first), Detach(second));

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        foreach (IDisposable disposable in disposables)
        {
            Release(disposable);
        }
    }

    /// <summary>Makes the scope own the object.</summary>
    public void Attach(IDisposable disposable)
    {
        if (disposable is torch.Tensor { OwningScope: { } owner } tensor)
        {
            owner.Release(tensor);
        }

        Add(disposable);
    }

    public void Attach(params IDisposable[] disposables)
    {
        foreach (IDisposable disposable in disposables)
        {
            Attach(disposable);
        }
    }

    /// <summary>Releases everything that the scope owns now; it stays open.</summary>
    public void DisposeEverything()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            IDisposable? owned = _owned[i];
            _owned[i] = null;
            if (owned is torch.Tensor tensor)
            {
                tensor.DisposeFromScope();
            }
            else
            {
                owned?.Dispose();
            }
        }

        _owned.Clear();
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        var keep = new List<IDisposable>(inKeep);
        keep.RemoveAll(disposable => !Contains(disposable));
        Detach(keep);
        DisposeEverything();
        foreach (IDisposable disposable in keep)
        {
            Add(disposable);
        }
    }

    public T DisposeEverythingBut<T>(T keep)
        where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        if (_thread != Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException("A dispose scope ends on the thread that opened it; do not await inside one.");
        }

        _disposed = true;
        // inner scopes that were left open end with this one
        while (s_current is { } inner && inner != this)
        {
            inner.Dispose();
        }

        s_current = OuterScope;
        DisposeEverything();
    }

    internal void Add(IDisposable disposable)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (disposable is torch.Tensor tensor)
        {
            tensor.OwningScope = this;
            tensor.PlaceInScope = _owned.Count;
        }

        _owned.Add(disposable);
    }

    /// <summary>Takes the object out, if the scope has it.</summary>
    internal void Release(IDisposable disposable)
    {
        if (disposable is torch.Tensor tensor)
        {
            if (tensor.OwningScope == this)
            {
                Vacate(tensor.PlaceInScope);
                tensor.OwningScope = null;
            }

            return;
        }

        int place = _owned.IndexOf(disposable);
        if (place >= 0)
        {
            Vacate(place);
        }
    }

    private void Vacate(int place)
    {
        _owned[place] = null;
        // a loop that disposes as it goes does not grow the list
        while (_owned.Count > 0 && _owned[^1] is null)
        {
            _owned.RemoveAt(_owned.Count - 1);
        }
    }
}
