using Generation.Torch;
using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>
/// A named weight that a layer holds. Its tensor is there once <see cref="NetworkWeights.Finish"/> has read it; adapters
/// put another in its place, and whatever was derived from it (packed copies) is rebuilt when
/// <see cref="Version"/> has moved.
/// </summary>
public sealed class Parameter(string name, long[] shape)
{
    private readonly Lock _deriving = new();
    private Tensor? _value;
    private LastingTensor? _lasting;
    private Tensor? _loaded;
    private IDisposable? _derived;
    private int _derivedWith;
    private Device? _device;

    /// <summary>The key in the checkpoint, from the network's root.</summary>
    public string Name { get; } = name;

    public IReadOnlyList<long> Shape { get; } = shape;

    /// <summary>Grows by one whenever <see cref="Value"/> is set.</summary>
    public int Version { get; private set; }

    /// <summary>Where <see cref="Value"/> lies.</summary>
    /// <exception cref="InvalidOperationException">The weights are not read yet, or are disposed.</exception>
    public Device Device => _device ?? throw NotInMemory();

    /// <summary>
    /// The tensor, owned by the <see cref="ParameterStore"/>; read again where a layer had let it go. Setting it takes the new tensor out
    /// of its dispose scope
    /// and leaves the old one with the caller, who keeps it to put it back, or disposes it.
    /// </summary>
    /// <exception cref="InvalidOperationException">The weights are not read yet, or are disposed.</exception>
    public Tensor Value
    {
        get
        {
            lock (_deriving)
            {
                if (_value is null && _lasting is { } lasting)
                {
                    _value = _loaded = lasting.Read().DetachFromDisposeScope();
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

    /// <summary>Called where a packed copy of the value serves in its place; null where the value must stay.</summary>
    internal Action? WhenPacked => _lasting is not null && (_value is null || ReferenceEquals(_value, _loaded)) ? LetGo : null;

    /// <summary>
    /// What is made from the value, and from <paramref name="with"/>'s, once and kept until one of them changes: a packed copy.
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

    /// <summary>Sets the checkpoint's value.</summary>
    /// <param name="lasting">Reads it again; null where that cannot be.</param>
    internal void Load(Tensor value, LastingTensor? lasting)
    {
        Value = value;
        _loaded = value;
        _lasting = lasting;
    }

    /// <summary>
    /// Says that what was derived from the value serves in its place: its memory goes, if it is the checkpoint's and can be read again.
    /// </summary>
    private void LetGo()
    {
        lock (_deriving)
        {
            if (_value is not null && _lasting is { } lasting && ReferenceEquals(_value, _loaded))
            {
                long bytes = _value.NumberOfElements * _value.ElementSize;
                _value.Dispose();
                _value = _loaded = null;
                lasting.LetGo();
                TorchRuntime.ReleaseFreed(bytes);
            }
        }
    }

    internal void Release()
    {
        DropDerived();
        _lasting = null;
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
