namespace Generation.Service.Models;

/// <summary>A part of a model that is loaded when the first job needs it. A load that failed is tried again by the next.</summary>
internal sealed class ModelPart<T>(Func<T> load) : IDisposable
    where T : class, IDisposable
{
    private readonly Lock _lock = new();
    private T? _loaded;

    /// <summary>The part, loaded.</summary>
    /// <exception cref="Diffusion.Weights.WeightsException">It is missing or does not fit.</exception>
    public T Get()
    {
        lock (_lock)
        {
            return _loaded ??= load();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _loaded?.Dispose();
            _loaded = null;
        }
    }
}
