using TorchSharp;

namespace Generation.Diffusion.Schedulers;

/// <summary>
/// The tensors that a scheduler keeps between steps, by name. A kept tensor is a copy of its own, in no dispose scope, because the pipeline
/// may overwrite or release the tensor that it passed.
/// </summary>
internal sealed class History : IDisposable
{
    private readonly Dictionary<string, torch.Tensor> _tensors = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, torch.Tensor> Tensors => _tensors;

    public torch.Tensor this[string name] =>
        _tensors.TryGetValue(name, out torch.Tensor? tensor)
            ? tensor
            : throw new InvalidOperationException($"the scheduler keeps no '{name}' at this step");

    public bool Has(string name) => _tensors.ContainsKey(name);

    public void Set(string name, torch.Tensor tensor)
    {
        torch.Tensor kept = tensor.clone().DetachFromDisposeScope();
        Remove(name);
        _tensors[name] = kept;
    }

    public void Remove(string name)
    {
        if (_tensors.Remove(name, out torch.Tensor? old))
        {
            old.Dispose();
        }
    }

    /// <summary>Puts a tensor in front of a list with at most <paramref name="capacity"/> entries; the oldest is dropped.</summary>
    public void Push(string list, torch.Tensor tensor, int capacity)
    {
        Remove(Name(list, capacity));
        for (int age = capacity - 1; age >= 1; age--)
        {
            if (_tensors.Remove(Name(list, age), out torch.Tensor? older))
            {
                _tensors[Name(list, age + 1)] = older;
            }
        }

        Set(Name(list, 1), tensor);
    }

    /// <summary>The entry of a list by age: 1 is the newest.</summary>
    public torch.Tensor Past(string list, int age) => this[Name(list, age)];

    public int Count(string list)
    {
        int count = 0;
        while (Has(Name(list, count + 1)))
        {
            count++;
        }

        return count;
    }

    public void Dispose()
    {
        foreach (torch.Tensor tensor in _tensors.Values)
        {
            tensor.Dispose();
        }

        _tensors.Clear();
    }

    private static string Name(string list, int age) => $"{list}.{age}";
}
