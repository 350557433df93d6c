using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>
/// A named weight that a layer holds. Its tensor is there once <see cref="NetworkWeights.Finish"/> has read it. Adapters replace it by
/// another, and whatever was derived from it (packed copies) is computed again when <see cref="Version"/> has changed.
/// </summary>
public sealed class Parameter(string name, long[] shape)
{
    private readonly Lock _deriving = new();
    private Tensor? _value;
    private ReloadableTensor? _reloadable;
    private Tensor? _loaded;
    private IDisposable? _derived;
    private int _derivedWith;
    private Device? _device;

    /// <summary>The key in the checkpoint, from the network's root.</summary>
    public string Name { get; } = name;

    public IReadOnlyList<long> Shape { get; } = shape;

    /// <summary>Grows by one whenever <see cref="Value"/> is set.</summary>
    public int Version { get; private set; }

    /// <summary>The device of <see cref="Value"/>.</summary>
    /// <exception cref="InvalidOperationException">The weights are not read yet, or are disposed.</exception>
    public Device Device => _device ?? throw NotInMemory();

    /// <summary>
    /// The tensor, owned by the <see cref="ParameterStore"/>; it is read again where a layer has released it. Setting it takes the new
    /// tensor out of its dispose scope and leaves the old one with the caller, who keeps it to restore it, or disposes it.
    /// </summary>
    /// <exception cref="InvalidOperationException">The weights are not read yet, or are disposed.</exception>
    public Tensor Value
    {
        get
        {
            lock (_deriving)
            {
                if (_value is null && _reloadable is { } reloadable)
                {
                    _value = _loaded = reloadable.Read().DetachFromDisposeScope();
                }

                return _value ?? throw NotInMemory();
            }
        }
        set
        {
            if (!value.shape.AsSpan().SequenceEqual(shape))
            {
                throw new WeightsException(
                    $"'{Name}' has the shape [{string.Join(", ", shape)}] and cannot become [{string.Join(", ", value.shape)}]."
                );
            }

            value.DetachFromDisposeScope();
            _value = value;
            _device = value.device;
            Version++;
            DropDerived();
        }
    }

    /// <summary>To be called once a packed copy replaces the value in use; null where the value must stay.</summary>
    internal Action? WhenPacked => _reloadable is not null && (_value is null || ReferenceEquals(_value, _loaded)) ? ReleaseValue : null;

    /// <summary>
    /// Returns what <paramref name="make"/> computes from the value, and from that of <paramref name="with"/>, such as a packed copy. It is
    /// computed once and kept until one of them changes.
    /// </summary>
    internal T Derived<T>(Parameter? with, Func<T> make)
        where T : class, IDisposable
    {
        int version = with?.Version ?? 0;
        lock (_deriving)
        {
            if (_derived is T there && _derivedWith == version)
            {
                return there;
            }

            _derived?.Dispose();
            T made = make();
            _derived = made;
            _derivedWith = version;
            return made;
        }
    }

    /// <summary>Sets the value that was read from the checkpoint.</summary>
    /// <param name="reloadable">Reads the value again; null where that is not possible.</param>
    internal void Load(Tensor value, ReloadableTensor? reloadable)
    {
        Value = value;
        _loaded = value;
        _reloadable = reloadable;
    }

    /// <summary>Frees the value's memory once a packed copy replaces it, if it is the checkpoint's and can be read again.</summary>
    private void ReleaseValue()
    {
        lock (_deriving)
        {
            if (_value is not null && _reloadable is { } reloadable && ReferenceEquals(_value, _loaded))
            {
                long bytes = _value.NumberOfElements * _value.ElementSize;
                _value.Dispose();
                _value = _loaded = null;
                reloadable.Release();
                TorchRuntime.ReleaseFreed(bytes);
            }
        }
    }

    internal void Release()
    {
        DropDerived();
        _reloadable = null;
        _value?.Dispose();
        _value = _loaded = null;
        _device = null;
    }

    private InvalidOperationException NotInMemory() =>
        new($"The weight '{Name}' is not in memory: it is there from NetworkWeights.Finish to ParameterStore.Dispose.");

    private void DropDerived()
    {
        lock (_deriving)
        {
            _derived?.Dispose();
            _derived = null;
        }
    }
}
