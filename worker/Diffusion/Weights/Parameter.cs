using static TorchSharp.torch;

namespace Generation.Diffusion;

/// <summary>
/// A named weight that a layer holds. Its tensor is there once <see cref="Weights.Finish"/> has read it; adapters
/// put another in its place, and whatever was derived from it (packed copies) is rebuilt when
/// <see cref="Version"/> has moved.
/// </summary>
public sealed class Parameter(string name, long[] shape)
{
    private readonly Lock _deriving = new();
    private Tensor? _value;
    private IDisposable? _derived;
    private int _derivedWith;

    /// <summary>The key in the checkpoint, from the network's root.</summary>
    public string Name { get; } = name;

    public IReadOnlyList<long> Shape { get; } = shape;

    /// <summary>Grows by one whenever <see cref="Value"/> is set.</summary>
    public int Version { get; private set; }

    /// <summary>
    /// The tensor, owned by the <see cref="ParameterStore"/>. Setting it takes the new tensor out of its dispose scope
    /// and leaves the old one with the caller, who keeps it to put it back, or disposes it.
    /// </summary>
    /// <exception cref="InvalidOperationException">The weights are not read yet, or are disposed.</exception>
    public Tensor Value
    {
        get => _value ?? throw new InvalidOperationException($"The weight '{Name}' is not in memory: it is there from Weights.Finish to ParameterStore.Dispose.");
        set
        {
            if (!value.shape.AsSpan().SequenceEqual(shape))
            {
                throw new WeightsException($"'{Name}' has the shape [{string.Join(", ", shape)}] and cannot become [{string.Join(", ", value.shape)}].");
            }

            value.DetachFromDisposeScope();
            _value = value;
            Version++;
            DropDerived();
        }
    }

    /// <summary>What is made from the value, and from <paramref name="with"/>'s, once and kept until one of them changes: a packed copy.</summary>
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

    internal void Release()
    {
        DropDerived();
        _value?.Dispose();
        _value = null;
    }

    private void DropDerived()
    {
        lock (_deriving)
        {
            _derived?.Dispose();
            _derived = null;
        }
    }
}
