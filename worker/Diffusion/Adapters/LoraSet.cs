using Generation.Diffusion.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Generation.Diffusion.Adapters;

/// <summary>A LoRA and how strongly it is applied.</summary>
/// <param name="Adapter">The file's contents, which may be released once they are applied.</param>
/// <param name="Scale">
/// The strength on the UNet or transformer: 0 has no effect, 1 is the strength it was trained with, negative values reverse it.
/// </param>
/// <param name="TextEncoderScale">The strength on the text encoders; null means <paramref name="Scale"/>.</param>
public sealed record LoraUse(LoraAdapter Adapter, double Scale, double? TextEncoderScale = null);

/// <summary>
/// LoRAs applied to the networks of a model: each changed weight is replaced by its sum with all changes, computed in float32, and the
/// original tensor is kept. Disposing puts the originals back, bit for bit, without reading a file.
/// </summary>
public sealed class LoraSet : IDisposable
{
    private readonly List<(Parameter Parameter, Tensor Original, Tensor Merged)> _changed = [];

    private LoraSet() { }

    /// <summary>The number of weights that are changed.</summary>
    public int Count => _changed.Count;

    /// <summary>Applies LoRAs. On an error nothing is changed.</summary>
    /// <param name="networks">
    /// The model's networks by the names of their folders: unet or transformer, text_encoder, text_encoder_2. Pass all that the model has,
    /// because a LoRA may change any of them.
    /// </param>
    /// <param name="uses">The LoRAs; their changes add up.</param>
    /// <exception cref="LoraException">
    /// A LoRA is for another family, or changes layers that the model does not have; they are listed.
    /// </exception>
    public static LoraSet Apply(IReadOnlyDictionary<string, ParameterStore> networks, IReadOnlyList<LoraUse> uses)
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(uses);
        var targets = networks.ToDictionary(n => n.Key, n => new LoraTargets(n.Value), StringComparer.Ordinal);
        var changes = new Dictionary<Parameter, List<(LoraModule Module, LoraSlice Slice, double Scale)>>();
        foreach (LoraUse use in uses)
        {
            foreach ((LoraModule? module, LoraSlice[]? slices) in Resolve(use.Adapter, networks, targets))
            {
                double scale = module.Network == LoraKeys.Denoiser ? use.Scale : use.TextEncoderScale ?? use.Scale;
                if (!double.IsFinite(scale))
                {
                    throw new LoraException($"{use.Adapter.Path}: the scale is {scale}; it must be a number");
                }

                foreach (LoraSlice slice in scale == 0 ? [] : slices)
                {
                    if (!changes.TryGetValue(slice.Parameter, out List<(LoraModule Module, LoraSlice Slice, double Scale)>? list))
                    {
                        changes[slice.Parameter] = list = [];
                    }

                    list.Add((module, slice, scale));
                }
            }
        }

        var set = new LoraSet();
        try
        {
            foreach ((Parameter? parameter, List<(LoraModule Module, LoraSlice Slice, double Scale)>? list) in changes)
            {
                set.Change(parameter, list);
            }

            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <summary>Puts the original weights back. Sets that were applied one after the other have to be disposed in reverse order.</summary>
    public void Dispose()
    {
        for (int i = _changed.Count - 1; i >= 0; i--)
        {
            (Parameter? parameter, Tensor? original, Tensor? merged) = _changed[i];
            if (!ReferenceEquals(parameter.Value, merged))
            {
                throw new InvalidOperationException($"'{parameter.Name}' was changed again since; remove the later change first");
            }

            parameter.Value = original;
            merged.Dispose();
            _changed.RemoveAt(i);
        }
    }

    private void Change(Parameter parameter, List<(LoraModule Module, LoraSlice Slice, double Scale)> changes)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor original = parameter.Value;
        Tensor sum = original.to(ScalarType.Float32, copy: true);
        foreach ((LoraModule? module, LoraSlice? slice, double scale) in changes)
        {
            Tensor delta = module.Delta(scale).to(original.device);
            sum.narrow(0, slice.To, slice.Rows).add_(delta.narrow(0, slice.From, slice.Rows).reshape([slice.Rows, .. original.shape[1..]]));
        }

        Tensor merged = sum.to(original.dtype);
        parameter.Value = merged;
        _changed.Add((parameter, original, merged));
    }

    private static List<(LoraModule Module, LoraSlice[] Slices)> Resolve(
        LoraAdapter adapter,
        IReadOnlyDictionary<string, ParameterStore> networks,
        Dictionary<string, LoraTargets> targets
    )
    {
        var resolved = new List<(LoraModule, LoraSlice[])>();
        var unknown = new List<string>();
        var misshapen = new List<string>();
        foreach (LoraModule module in adapter.Modules)
        {
            string name =
                module.Network != LoraKeys.Denoiser ? module.Network
                : networks.ContainsKey("transformer") ? "transformer"
                : "unet";
            if (!targets.TryGetValue(name, out LoraTargets? target))
            {
                throw new LoraException(
                    $"{adapter.Path} is for another family of models: it changes a {name}, and this model has "
                        + $"{string.Join(", ", networks.Keys.Order(StringComparer.Ordinal))}"
                );
            }

            if (target.Find(module.Layer) is not { } slices)
            {
                unknown.Add($"{name}.{module.Layer}");
                continue;
            }

            long rows = slices.Max(s => s.From + s.Rows);
            long columns = slices[0].Parameter.Shape.Skip(1).Aggregate(1L, (a, b) => a * b);
            if (module.Size != (rows, columns))
            {
                misshapen.Add($"{module.Layer} is ({module.Size.Rows}, {module.Size.Columns}) and ({rows}, {columns}) in the model");
            }

            resolved.Add((module, slices));
        }

        if (misshapen.Count > 0)
        {
            throw new LoraException(
                $"{adapter.Path} is for another family of models{Family(adapter, networks)}: {misshapen.Count} of its {adapter.Count} "
                    + $"layers have another shape: {LoraAdapter.Listed(misshapen)}"
            );
        }

        if (unknown.Count > 0)
        {
            string family = unknown.Count > adapter.Count / 2 ? $"is for another family of models{Family(adapter, networks)}: it" : "";
            throw new LoraException(
                $"{adapter.Path} {family}{(family.Length > 0 ? " " : "")}changes {unknown.Count} layers that the model does not have: "
                    + $"{LoraAdapter.Listed(unknown)}"
            );
        }

        return resolved;
    }

    // The width of the text that cross attention looks at: 768 in Stable Diffusion 1.x, 1024 in 2.x, 2048 in SDXL.
    private static string Family(LoraAdapter adapter, IReadOnlyDictionary<string, ParameterStore> networks)
    {
        long? own = adapter
            .Modules.FirstOrDefault(m =>
                m.Layer.EndsWith("attn2_to_k", StringComparison.Ordinal) || m.Layer.EndsWith("attn2.to_k", StringComparison.Ordinal)
            )
            ?.Size.Columns;
        long? model = networks.TryGetValue("unet", out ParameterStore? unet) ? LoraTargets.ContextWidth(unet) : null;
        return own is not null && own != model
            ? $" (cross attention over {own} features{Named(own)}; this model's is "
                + $"{(model is null ? "none" : $"over {model}{Named(model)}")})"
            : "";
    }

    private static string Named(long? width) =>
        width switch
        {
            768 => ", Stable Diffusion 1.x",
            1024 => ", Stable Diffusion 2.x",
            2048 => ", SDXL",
            1280 => ", SDXL's refiner",
            _ => "",
        };
}
