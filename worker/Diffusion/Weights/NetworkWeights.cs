using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Weights;

/// <summary>
/// The weights that a network's constructor gets. The constructor takes each weight by name and shape, and at the end <see cref="Finish"/>
/// compares what was taken with what there is, and reads all of it. Nothing is read before, so that a wrong file is refused at once.
/// </summary>
public sealed class NetworkWeights
{
    private readonly Root _root;
    private readonly string _prefix;

    /// <summary>Makes the root of a network's weights.</summary>
    /// <param name="source">The source, which must live until <see cref="Finish"/>.</param>
    /// <param name="dtype">The type that floating-point weights are converted to; whole numbers keep theirs.</param>
    /// <param name="device">The device to load onto; null is the CPU.</param>
    public NetworkWeights(WeightSource source, ScalarType dtype = ScalarType.Float32, Device? device = null)
        : this(new Root(source, dtype, device), "") { }

    private NetworkWeights(Root root, string prefix)
    {
        _root = root;
        _prefix = prefix;
    }

    /// <summary>The type of the floating-point weights in memory.</summary>
    public ScalarType Dtype => _root.Dtype;

    /// <summary>The weights whose keys begin with <c>name.</c>; <paramref name="name"/> may itself contain dots.</summary>
    public NetworkWeights this[string name] => new(_root, $"{_prefix}{name}.");

    /// <summary>Member <paramref name="index"/> of a list of layers.</summary>
    public NetworkWeights this[int index] => new(_root, $"{_prefix}{index}.");

    /// <summary>Whether the checkpoint has this key, or any key below it.</summary>
    public bool Has(string name) => _root.Source.Has(_prefix + name) || _root.HasBelow(_prefix + name + ".");

    /// <summary>The number of members of a list of layers: one more than the largest number that follows the prefix.</summary>
    public int Count() =>
        1
        + _root
            .Source.Names.Where(name => name.StartsWith(_prefix, StringComparison.Ordinal))
            .Select(name => int.TryParse(name[_prefix.Length..].Split('.')[0], out int index) ? index : -1)
            .DefaultIfEmpty(-1)
            .Max();

    /// <summary>The shape of a stored weight, for networks whose configuration follows from their shapes.</summary>
    /// <exception cref="WeightsException">There is no such key.</exception>
    public long[] ShapeOf(string name) => _root.Source.Entry(_prefix + name).Shape;

    /// <summary>The names and shapes of all weights that were taken so far, from the network's root.</summary>
    public IReadOnlyDictionary<string, long[]> Taken => _root.Taken;

    /// <summary>Takes a weight. Missing and misshapen weights are reported by <see cref="Finish"/>, all at once.</summary>
    public Parameter Take(string name, params long[] shape) => _root.Take(_prefix + name, shape);

    /// <summary>Ignores a key and all below it, which would otherwise be unexpected.</summary>
    public void Ignore(string name) => _root.Ignored.Add(_prefix + name);

    /// <summary>Reads all weights that were taken.</summary>
    /// <exception cref="WeightsException">Keys are missing, unexpected or misshapen; all of them are listed.</exception>
    public ParameterStore Finish() => _root.Finish();

    private sealed class Root(WeightSource source, ScalarType dtype, Device? device)
    {
        private readonly Dictionary<string, (Parameter Parameter, long[] Shape)> _taken = new(StringComparer.Ordinal);
        private HashSet<string>? _prefixes;

        public WeightSource Source { get; } = source;

        public ScalarType Dtype { get; } = dtype;

        public IReadOnlyDictionary<string, long[]> Taken =>
            _taken.ToDictionary(taken => taken.Key, taken => taken.Value.Shape, StringComparer.Ordinal);

        public HashSet<string> Ignored { get; } = new(StringComparer.Ordinal);

        public Parameter Take(string name, long[] shape)
        {
            if (_taken.TryGetValue(name, out (Parameter Parameter, long[] Shape) known))
            {
                // Tied weights: two layers may hold one parameter, but they must mean the same.
                return known.Shape.AsSpan().SequenceEqual(shape)
                    ? known.Parameter
                    : throw new InvalidOperationException(
                        $"The weight '{name}' is taken as [{string.Join(", ", known.Shape)}] and as [{string.Join(", ", shape)}]."
                    );
            }

            var parameter = new Parameter(name, shape);
            _taken.Add(name, (parameter, shape));
            return parameter;
        }

        public bool HasBelow(string prefix)
        {
            if (_prefixes is null)
            {
                _prefixes = new(StringComparer.Ordinal);
                foreach (string name in Source.Names)
                {
                    for (int dot = name.IndexOf('.'); dot >= 0; dot = name.IndexOf('.', dot + 1))
                    {
                        _prefixes.Add(name[..(dot + 1)]);
                    }
                }
            }

            return _prefixes.Contains(prefix);
        }

        public ParameterStore Finish()
        {
            Check();
            var store = new ParameterStore(_taken.Values.Select(taken => taken.Parameter));
            try
            {
                // libtorch's threads convert one tensor together; what they leave idle reads others meanwhile.
                int readers = Math.Max(1, Environment.ProcessorCount / get_num_threads());
                Parallel.ForEach(_taken.Keys, new ParallelOptions { MaxDegreeOfParallelism = readers }, Read);
                return store;
            }
            catch (AggregateException e)
            {
                store.Dispose();
                throw e.InnerExceptions.OfType<WeightsException>().FirstOrDefault() ?? e.InnerExceptions[0];
            }
        }

        private void Read(string name)
        {
            using DisposeScope scope = NewDisposeScope();
            WeightDtype stored = Source.Entry(name).Dtype;
            ScalarType? asked = stored.IsFloat() ? Dtype : null;
            if (device is null || device.type == DeviceType.CPU)
            {
                ReloadableTensor? reloadable = Source.Reloadable(name, asked);
                _taken[name].Parameter.Load(reloadable?.Read() ?? Source.Read(name, asked), reloadable);
            }
            else
            {
                _taken[name].Parameter.Load(Source.Read(name, asked).to(device), reloadable: null);
            }
        }

        private void Check()
        {
            string[] missing = [.. _taken.Keys.Where(name => !Source.Has(name))];
            string[] unexpected =
            [
                .. Source.Names.Where(name => !_taken.ContainsKey(name) && !IsIgnored(name) && !IgnoredKeys.Contains(name)),
            ];
            string[] misshapen =
            [
                .. _taken
                    .Where(taken => Source.Has(taken.Key))
                    .Select(taken => (taken.Key, Found: Source.Entry(taken.Key).Shape, Wanted: taken.Value.Shape))
                    .Where(key => !key.Found.AsSpan().SequenceEqual(key.Wanted))
                    .Select(key => $"{key.Key} is [{string.Join(", ", key.Found)}] and should be [{string.Join(", ", key.Wanted)}]"),
            ];
            if (missing.Length + unexpected.Length + misshapen.Length > 0)
            {
                throw new WeightsException(
                    $"{Source.Path}: the weights do not fit the network."
                        + KeyReport.Line("Missing", missing)
                        + KeyReport.Line("Unexpected", unexpected)
                        + KeyReport.Line("Misshapen", misshapen)
                );
            }
        }

        private bool IsIgnored(string name) =>
            Ignored.Count > 0
            && Ignored.Any(key => name == key || (name.StartsWith(key, StringComparison.Ordinal) && name[key.Length] == '.'));
    }
}
