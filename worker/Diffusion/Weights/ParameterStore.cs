using System.Collections;
using System.Diagnostics.CodeAnalysis;
using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>The weights of one network, by their names in the checkpoint. Owns the tensors.</summary>
public sealed class ParameterStore : IReadOnlyDictionary<string, Parameter>, IDisposable
{
    private readonly SortedDictionary<string, Parameter> _byName;

    internal ParameterStore(IEnumerable<Parameter> parameters) =>
        _byName = new(parameters.ToDictionary(parameter => parameter.Name), StringComparer.Ordinal);

    public int Count => _byName.Count;

    public IEnumerable<string> Keys => _byName.Keys;

    public IEnumerable<Parameter> Values => _byName.Values;

    /// <summary>The number of values of all weights.</summary>
    public long Elements => Values.Sum(parameter => parameter.Shape.Aggregate(1L, (product, side) => product * side));

    /// <summary>The device of the weights.</summary>
    public Device Device => Values.First().Device;

    public Parameter this[string key] => _byName[key];

    public bool ContainsKey(string key) => _byName.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out Parameter value) => _byName.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, Parameter>> GetEnumerator() => _byName.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (Parameter parameter in Values)
        {
            parameter.Release();
        }
    }
}
