using Generation.Contracts;
using Generation.Torch;
using Microsoft.Extensions.Options;

namespace Generation.Service.Models;

/// <summary>
/// The models in memory, within a budget: the least recently used model that no job holds makes room for the next. Two jobs that want the
/// same model share one load, and a load that failed is tried again by the next job.
/// </summary>
internal sealed class ModelCache(
    ModelCatalog catalog,
    ModelLoader loader,
    MemoryBudget budget,
    TimeProvider time,
    ILogger<ModelCache> logger
) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Name, ModelUse Use), Slot> _slots = [];

    /// <summary>The assumed speed of loading weights before the first load was measured, in bytes per second.</summary>
    private const double AssumedSpeed = 300e6;

    private readonly Dictionary<string, TimeSpan> _loadTimes = [];
    private TaskCompletionSource _released = NewSignal();
    private bool _disposed;

    /// <summary>Names of the models in memory.</summary>
    public IReadOnlyList<string> Loaded
    {
        get
        {
            lock (_lock)
            {
                return [.. _slots.Where(s => s.Value.Load.IsCompletedSuccessfully).Select(s => s.Key.Name).Distinct()];
            }
        }
    }

    /// <summary>The size of the loaded models in bytes, as far as it is known.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _slots.Values.Sum(s => s.Bytes);
            }
        }
    }

    /// <summary>How long a model takes to load, by its last load or, before that, by its size.</summary>
    public TimeSpan LoadTime(ModelEntry entry)
    {
        lock (_lock)
        {
            if (_loadTimes.TryGetValue(entry.Name, out TimeSpan measured))
            {
                return measured;
            }
        }

        var guess = TimeSpan.FromSeconds(1 + (loader.CountBytes(entry) / AssumedSpeed));
        lock (_lock)
        {
            _loadTimes.TryAdd(entry.Name, guess);
            return _loadTimes[entry.Name];
        }
    }

    /// <inheritdoc cref="AcquireAsync(string, ModelUse, CancellationToken)"/>
    public Task<ModelLease> AcquireAsync(string name, CancellationToken cancellationToken) =>
        AcquireAsync(name, ModelUse.Pictures, cancellationToken);

    /// <summary>Returns the model, loaded for a use. It is held until the lease is disposed.</summary>
    /// <exception cref="ModelUnavailableException">This worker has no such model, or cannot load it.</exception>
    public async Task<ModelLease> AcquireAsync(string name, ModelUse use, CancellationToken cancellationToken)
    {
        ModelEntry entry = catalog.Find(name) ?? throw new ModelUnavailableException($"The model {name} is not on this worker.");
        Slot slot = await HoldAsync(entry, use, cancellationToken);
        try
        {
            LoadedModel model = await slot.Load.WaitAsync(cancellationToken);
            return new ModelLease(model, () => Release(slot));
        }
        catch (Exception e)
        {
            Release(slot);
            if (slot.Load.IsFaulted)
            {
                Drop((name, use), slot);
                WorkerLog.ModelNotLoaded(logger, name, e);
                throw new ModelUnavailableException($"The model {name} cannot be loaded at present. Nothing was charged.", e);
            }

            throw;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (Slot slot in _slots.Values)
            {
                slot.DisposeModel();
            }

            _slots.Clear();
        }
    }

    /// <summary>Finds or begins the load and adds one holder; waits while jobs hold all the memory.</summary>
    private async Task<Slot> HoldAsync(ModelEntry entry, ModelUse use, CancellationToken cancellationToken)
    {
        long needed = loader.CountBytes(entry, use);
        while (true)
        {
            Task released;
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_slots.TryGetValue((entry.Name, use), out Slot? present))
                {
                    present.Holders++;
                    present.UsedAt = time.GetTimestamp();
                    return present;
                }

                MakeRoom(needed);
                // A model larger than the budget is tried alone: the budget is a guess, the loader knows
                if (_slots.Count == 0 || _slots.Values.Sum(s => s.Bytes) + needed <= budget.Bytes)
                {
                    var slot = new Slot(needed) { Holders = 1, UsedAt = time.GetTimestamp() };
                    _slots[(entry.Name, use)] = slot;
                    slot.Load = Task.Run(() => Load(entry, use, slot), CancellationToken.None);
                    return slot;
                }

                released = _released.Task;
            }

            await released.WaitAsync(cancellationToken);
        }
    }

    private LoadedModel Load(ModelEntry entry, ModelUse use, Slot slot)
    {
        long start = time.GetTimestamp();
        LoadedModel model = loader.Load(entry, use);
        TimeSpan took = time.GetElapsedTime(start);
        lock (_lock)
        {
            slot.Bytes = model.Bytes;
            _loadTimes[entry.Name] = took;
        }

        WorkerLog.ModelLoaded(logger, entry.Name, model.Bytes >> 20, took.TotalSeconds);
        return model;
    }

    private void MakeRoom(long needed)
    {
        while (_slots.Values.Sum(s => s.Bytes) + needed > budget.Bytes)
        {
            KeyValuePair<(string Name, ModelUse Use), Slot>? oldest = _slots
                .Where(s => s.Value.Holders == 0)
                .OrderBy(s => s.Value.UsedAt)
                .Select(s => (KeyValuePair<(string Name, ModelUse Use), Slot>?)s)
                .FirstOrDefault();
            if (oldest is not { } evicted)
            {
                return;
            }

            _slots.Remove(evicted.Key);
            evicted.Value.DisposeModel();
            WorkerLog.ModelEvicted(logger, evicted.Key.Name, evicted.Value.Bytes >> 20);
        }
    }

    private void Release(Slot slot)
    {
        lock (_lock)
        {
            slot.Holders--;
            slot.UsedAt = time.GetTimestamp();
            if (_disposed && slot.Holders == 0)
            {
                slot.DisposeModel();
            }

            TaskCompletionSource released = _released;
            _released = NewSignal();
            released.SetResult();
        }
    }

    private void Drop((string Name, ModelUse Use) name, Slot slot)
    {
        lock (_lock)
        {
            if (_slots.TryGetValue(name, out Slot? present) && present == slot)
            {
                _slots.Remove(name);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Slot(long bytes)
    {
        public Task<LoadedModel> Load { get; set; } = null!;

        public long Bytes { get; set; } = bytes;

        public int Holders { get; set; }

        public long UsedAt { get; set; }

        /// <summary>Frees the model once no job holds it.</summary>
        public void DisposeModel()
        {
            if (Holders == 0)
            {
                _ = Load.ContinueWith(
                    load =>
                    {
                        load.Result.Dispose();
                        TorchRuntime.ReleaseMemory();
                    },
                    CancellationToken.None,
                    TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default
                );
            }
        }
    }
}

/// <summary>Keeps a loaded model in memory until it is disposed.</summary>
internal sealed class ModelLease(LoadedModel model, Action release) : IDisposable
{
    private int _released;

    public LoadedModel Model { get; } = model;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
        {
            release();
        }
    }
}

/// <summary>What a model is loaded for. Clips are made by other networks than pictures, even where both come from the same files.</summary>
internal enum ModelUse
{
    Pictures,
    Clips,
}

internal static class ModelUses
{
    /// <summary>What the model is loaded for first.</summary>
    public static ModelUse First(ModelEntry entry) => entry.Kinds.All(kind => kind == JobKind.Video) ? ModelUse.Clips : ModelUse.Pictures;
}

/// <summary>The limit on the memory of loaded models.</summary>
internal sealed class MemoryBudget(IOptions<WorkerOptions> options)
{
    /// <summary>
    /// The limit in bytes. Without a setting it is six tenths of the memory that this process may use, taking a container's limit into
    /// account.
    /// </summary>
    public long Bytes { get; } =
        options.Value.ModelMemoryMiB > 0 ? options.Value.ModelMemoryMiB << 20 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 10 * 6;
}
