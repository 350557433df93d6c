using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Adapters;

/// <summary>The rows of a weight that some rows of a change are added to.</summary>
/// <param name="Parameter">The weight.</param>
/// <param name="From">The first row of the change.</param>
/// <param name="To">The first row of the weight.</param>
/// <param name="Rows">The number of rows.</param>
internal sealed record LoraSlice(Parameter Parameter, long From, long To, long Rows);

/// <summary>
/// The layers of one network under every name that LoRA files have for them: as the network calls them, and as the original checkpoints of
/// Stable Diffusion and FLUX do, where one layer can correspond to several of ours. Names are compared with underscores for dots, as kohya
/// writes them.
/// </summary>
internal sealed class LoraTargets
{
    private readonly Dictionary<string, LoraSlice[]> _byName = new(StringComparer.Ordinal);

    public LoraTargets(ParameterStore parameters)
    {
        const string Weight = ".weight";
        var layers = parameters
            .Values.Where(p => p.Name.EndsWith(Weight, StringComparison.Ordinal) && p.Shape.Count >= 2)
            .ToDictionary(p => p.Name[..^Weight.Length], StringComparer.Ordinal);
        foreach ((string? layer, Parameter? parameter) in layers)
        {
            _byName[Flat(layer)] = [Whole(parameter)];
        }

        foreach ((string? layer, Parameter? parameter) in layers)
        {
            // Older files name the list that holds the output layer and its dropout.
            if (layer.EndsWith(".to_out.0", StringComparison.Ordinal))
            {
                _byName.TryAdd(Flat(layer[..^2]), [Whole(parameter)]);
            }

            // Some trainers leave out what the text model is called within its class
            if (layer.StartsWith("text_model.", StringComparison.Ordinal))
            {
                _byName.TryAdd(Flat(layer["text_model.".Length..]), [Whole(parameter)]);
            }

            if (LoraOriginalNames.OfUNet(layer, layers.Keys) is { } name)
            {
                _byName.TryAdd(Flat(name), [Whole(parameter)]);
            }
        }

        foreach ((string? name, LoraPartName[]? parts) in LoraOriginalNames.OfFlux(layers.Keys))
        {
            _byName.TryAdd(Flat(name), Slices(parts, layers));
        }
    }

    /// <summary>The weights that the change of a layer belongs to; null where the network has no such layer.</summary>
    public LoraSlice[]? Find(string layer) => _byName.GetValueOrDefault(Flat(layer));

    /// <summary>
    /// The number of features that the network's cross attention takes per token, which tells the families apart; null where it has no
    /// cross attention.
    /// </summary>
    public static long? ContextWidth(ParameterStore parameters) =>
        parameters.Values.FirstOrDefault(p => p.Name.EndsWith(".attn2.to_k.weight", StringComparison.Ordinal))?.Shape[1];

    private static LoraSlice Whole(Parameter parameter) => new(parameter, 0, 0, parameter.Shape[0]);

    private static LoraSlice[] Slices(LoraPartName[] parts, Dictionary<string, Parameter> layers)
    {
        var slices = new List<LoraSlice>();
        long from = 0;
        foreach (LoraPartName part in parts)
        {
            Parameter parameter = layers[part.Layer];
            long rows = parameter.Shape[0];
            if (part.SwapHalves)
            {
                slices.Add(new LoraSlice(parameter, from, rows / 2, rows / 2));
                slices.Add(new LoraSlice(parameter, from + rows / 2, 0, rows / 2));
            }
            else
            {
                slices.Add(new LoraSlice(parameter, from, 0, rows));
            }

            from += rows;
        }

        return [.. slices];
    }

    private static string Flat(string name) => name.Replace('.', '_');
}
