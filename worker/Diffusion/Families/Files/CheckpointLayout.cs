using System.Text.Json.Nodes;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Files;

/// <summary>Which components a checkpoint in the original key names holds, and how their keys are called here.</summary>
public sealed class CheckpointLayout
{
    private readonly Dictionary<string, CheckpointPart> _parts = new(StringComparer.Ordinal);
    private readonly LdmShape? _unet;
    private readonly TrainedPrediction? _prediction;

    private CheckpointLayout(WeightSource source)
    {
        foreach (CheckpointPart part in ModelFamilies.All.SelectMany(family => family.FindParts(source)))
        {
            _parts.TryAdd(part.Component, part);
        }

        _unet = LdmShape.Of(source, _parts);
        Published = ModelFamilies.All.Select(family => family.Recognize(source, _parts)).FirstOrDefault(model => model is not null);
        _prediction = TrainedPrediction.Of(source, Published?.HasTwoPredictions == true, seesMask: UNetInputs == 9);
    }

    /// <summary>The published model that the keys and shapes belong to, or null.</summary>
    public PublishedModel? Published { get; }

    /// <summary>
    /// The number of channels that the UNet takes: latents, and what is concatenated to them. Null where there is no UNet.
    /// </summary>
    public int? UNetInputs => _unet?.Inputs;

    /// <summary>Keys that belong to no part of a model, and are left out.</summary>
    public IReadOnlyList<string> Unknown { get; private set; } = [];

    /// <summary>Finds the components of a checkpoint.</summary>
    /// <exception cref="WeightsException">There are none: the file is not a checkpoint in original key names.</exception>
    public static CheckpointLayout Of(WeightSource source)
    {
        var layout = new CheckpointLayout(source);
        if (layout._parts.Count == 0)
        {
            string[] some = [.. source.Names.Take(3)];
            throw new WeightsException(
                $"{source.Path}: its keys ({string.Join(", ", some)}, ...) are those of no known checkpoint format."
            );
        }

        // Not an error: a part that lacks something says so itself
        layout.Unknown =
        [
            .. source
                .Names.Where(name =>
                    !IgnoredKeys.Contains(name) && !layout._parts.Values.Any(part => name.StartsWith(part.Prefix, StringComparison.Ordinal))
                )
                .Order(StringComparer.Ordinal),
        ];
        return layout;
    }

    public bool Has(string component) => _parts.ContainsKey(component);

    /// <summary>Says in one sentence what was found.</summary>
    public string Describe() =>
        $"holds {string.Join(", ", _parts.Keys)}"
        + (
            _unet is null
                ? ""
                : $", with {_unet.Channels} channels in the first block, {_unet.Inputs} at the input, and prompts of "
                    + $"{_unet.PromptFeatures} features"
        );

    /// <summary>The fields of a component's config that keys, shapes and metadata tell.</summary>
    public IReadOnlyDictionary<string, JsonNode> Found(string component)
    {
        var found = new Dictionary<string, JsonNode>(StringComparer.Ordinal);
        if (component == "unet" && UNetInputs is { } inputs)
        {
            found["in_channels"] = inputs;
            if (_prediction?.SampleSize is { } side)
            {
                found["sample_size"] = side;
            }
        }
        else if (component == "scheduler" && _prediction is { } prediction)
        {
            found["prediction_type"] = prediction.Type;
            if (prediction.ZeroTerminalSnr)
            {
                found["rescale_betas_zero_snr"] = true;
                found["timestep_spacing"] = "trailing";
            }
        }

        return found;
    }

    /// <summary>A component's weights under the names that networks take.</summary>
    /// <param name="source">The checkpoint; disposed with the result.</param>
    public WeightSource Open(WeightSource source, string component)
    {
        CheckpointPart part = _parts[component];
        string[] keys =
        [
            .. source
                .Names.Where(name => name.StartsWith(part.Prefix, StringComparison.Ordinal))
                .Select(name => name[part.Prefix.Length..]),
        ];
        Dictionary<string, WeightPiece> pieces = part.Map(source, keys);

        // What no table knows keeps its name, for the network's report.
        HashSet<string> used = [.. pieces.Values.Select(piece => piece.Source)];
        foreach (string name in keys.Where(key => !part.LeavesOut(key) && !IgnoredKeys.Contains(key)).Select(key => part.Prefix + key))
        {
            bool isOthers = _parts.Values.Any(other =>
                other.Prefix.Length > part.Prefix.Length && name.StartsWith(other.Prefix, StringComparison.Ordinal)
            );
            if (!used.Contains(name) && !IgnoredKeys.Contains(name) && !isOthers)
            {
                pieces.Add(name, new WeightPiece(name));
            }
        }

        return new RenamedWeights(source, pieces, owns: true);
    }
}
