using System.Text.Json.Nodes;

namespace Generation.Diffusion.Formats;

/// <summary>Which components a checkpoint in the original key names holds, and how their keys are called here.</summary>
public sealed class CheckpointLayout
{
    private static readonly string[] TransformerPrefixes = ["", "model.diffusion_model."];

    private readonly Dictionary<string, Part> _parts = new(StringComparer.Ordinal);
    private readonly TrainedPrediction? _prediction;

    private CheckpointLayout(WeightSource source)
    {
        bool Any(string prefix) => source.Names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));

        if (TransformerPrefixes.FirstOrDefault(prefix => source.Has(prefix + "double_blocks.0.img_attn.qkv.weight")) is { } flux)
        {
            _parts.Add("transformer", new Part(flux, Format.Flux));
            Family = FluxFamily(source, flux);
        }

        if (Any("model.diffusion_model.input_blocks."))
        {
            _parts.Add("unet", new Part("model.diffusion_model.", Format.LdmUNet));
        }

        if (Any("control_model.input_blocks."))
        {
            _parts.Add("controlnet", new Part("control_model.", Format.LdmUNet));
        }
        else if (source.Has("input_hint_block.0.weight"))
        {
            _parts.Add("controlnet", new Part("", Format.LdmUNet));
        }

        foreach (string prefix in new[] { "first_stage_model.", "vae." }.Where(Any))
        {
            _parts.Add("vae", new Part(prefix, Format.LdmVae));
        }

        if (_parts.Count == 0 && source.Has("encoder.mid.attn_1.q.weight"))
        {
            _parts.Add("vae", new Part("", Format.LdmVae));
        }

        AddTexts(source, Any);
        Family ??= StableDiffusionFamily(source);
        _prediction = TrainedPrediction.Of(source, isVersion2: ReferenceEquals(Family, Catalog.Sd21), seesMask: UNetInputs == 9);
    }

    /// <summary>What keys and shapes tell of, or null.</summary>
    public Family? Family { get; }

    private enum Format
    {
        LdmUNet,
        LdmVae,
        ClipText,
        OpenClip,
        Flux,
    }

    private int? ContextWidth { get; set; }

    private int? UNetChannels { get; set; }

    /// <summary>Channels that the UNet takes, latents and what is beside them; null where there is none.</summary>
    public int? UNetInputs { get; private set; }

    /// <summary>Finds the components of a checkpoint.</summary>
    /// <exception cref="WeightsException">There are none: not a checkpoint in original key names.</exception>
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

        string[] strange =
        [
            .. source.Names.Where(name =>
                !Leftovers.Contains(name) && !layout._parts.Values.Any(part => name.StartsWith(part.Prefix, StringComparison.Ordinal))
            ),
        ];
        return strange.Length == 0
            ? layout
            : throw new WeightsException($"{source.Path}: some keys belong to no part of a model." + KeyReport.Line("Unexpected", strange));
    }

    public bool Has(string component) => _parts.ContainsKey(component);

    /// <summary>One sentence on what was found.</summary>
    public string Describe() =>
        $"holds {string.Join(", ", _parts.Keys)}"
        + (
            UNetChannels is null
                ? ""
                : $", with {UNetChannels} channels in the first block, {UNetInputs} at the input, and prompts of {ContextWidth} features"
        );

    /// <summary>Fields of a component's config that keys, shapes and metadata tell.</summary>
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
        Part part = _parts[component];
        string[] keys =
        [
            .. source
                .Names.Where(name => name.StartsWith(part.Prefix, StringComparison.Ordinal))
                .Select(name => name[part.Prefix.Length..]),
        ];
        Dictionary<string, WeightPiece> pieces = part.Format switch
        {
            Format.LdmUNet => LdmUNetKeys
                .Map(keys)
                .ToDictionary(pair => pair.Value, pair => new WeightPiece(part.Prefix + pair.Key), StringComparer.Ordinal),
            Format.LdmVae => LdmVaeKeys.Map(keys, part.Prefix),
            Format.ClipText => keys.Where(key => !Leftovers.Contains(key))
                .ToDictionary(key => key, key => new WeightPiece(part.Prefix + key), StringComparer.Ordinal),
            Format.OpenClip => OpenClipKeys.Map(source, keys, part.Prefix, part.Layers, part.Projected),
            _ => FluxKeys.Map(source, keys, part.Prefix),
        };

        // What no table knows keeps its name, for the network's report.
        HashSet<string> used = [.. pieces.Values.Select(piece => piece.Source)];
        foreach (
            string key in keys.Where(key =>
                !used.Contains(part.Prefix + key)
                && !Leftovers.Contains(key)
                && !Leftovers.Contains(part.Prefix + key)
                && !(part.Format == Format.OpenClip && OpenClipKeys.IsLeftOut(key, part.Layers, part.Projected))
                && !_parts.Values.Any(other =>
                    other.Prefix.Length > part.Prefix.Length && (part.Prefix + key).StartsWith(other.Prefix, StringComparison.Ordinal)
                )
            )
        )
        {
            pieces.Add(part.Prefix + key, new WeightPiece(part.Prefix + key));
        }

        return new RenamedWeights(source, pieces, owns: true);
    }

    private void AddTexts(WeightSource source, Func<string, bool> any)
    {
        if (any("cond_stage_model.transformer."))
        {
            _parts.Add("text_encoder", new Part("cond_stage_model.transformer.", Format.ClipText));
        }
        else if (any("cond_stage_model.model."))
        {
            // Stable Diffusion 2 takes the last but one layer's output: files have 24 layers, and 23 are used.
            int layers = 0;
            while (source.Has($"cond_stage_model.model.transformer.resblocks.{layers}.ln_1.weight"))
            {
                layers++;
            }

            _parts.Add(
                "text_encoder",
                new Part("cond_stage_model.model.", Format.OpenClip) { Layers = layers == 24 ? 23 : layers, Projected = false }
            );
        }

        if (any("conditioner.embedders.0.transformer."))
        {
            _parts.Add("text_encoder", new Part("conditioner.embedders.0.transformer.", Format.ClipText));
        }

        foreach (string prefix in new[] { "conditioner.embedders.0.model.", "conditioner.embedders.1.model." }.Where(any))
        {
            _parts.Add("text_encoder_2", new Part(prefix, Format.OpenClip) { Projected = true });
        }
    }

    private Family? StableDiffusionFamily(WeightSource source)
    {
        if (!_parts.TryGetValue("unet", out Part? unet) && !_parts.TryGetValue("controlnet", out unet))
        {
            return null;
        }

        string? context = source.Names.FirstOrDefault(name =>
            name.StartsWith(unet.Prefix, StringComparison.Ordinal) && name.EndsWith(".attn2.to_k.weight", StringComparison.Ordinal)
        );
        long[] input = source.Has(unet.Prefix + "input_blocks.0.0.weight")
            ? source.Entry(unet.Prefix + "input_blocks.0.0.weight").Shape
            : [0, 0];
        ContextWidth = context is null ? null : (int)source.Entry(context).Shape[1];
        UNetChannels = (int)input[0];
        UNetInputs = (int)input[1];
        return (UNetChannels, ContextWidth) switch
        {
            (320, 768) => Catalog.Sd15,
            (320, 1024) => Catalog.Sd21,
            (320, 2048) => Catalog.Sdxl,
            (384, 1280) => Catalog.SdxlRefiner,
            _ => null,
        };
    }

    private static Family? FluxFamily(WeightSource source, string prefix)
    {
        if (!source.Has(prefix + "img_in.weight"))
        {
            return null;
        }

        long[] input = source.Entry(prefix + "img_in.weight").Shape;
        return (input[0], input[1], source.Has(prefix + "guidance_in.in_layer.weight")) switch
        {
            (3072, 64, false) => Catalog.FluxSchnell,
            (3072, 64, true) => Catalog.FluxDev,
            (3072, 384, true) => Catalog.FluxFill,
            _ => null,
        };
    }

    private sealed record Part(string Prefix, Format Format)
    {
        public int? Layers { get; init; }

        public bool Projected { get; init; }
    }
}
