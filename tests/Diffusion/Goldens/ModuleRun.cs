using System.Text.Json;
using Generation.Diffusion.Families.Flux;
using Generation.Diffusion.Families.Upscalers;
using Generation.Diffusion.Families.Video;
using Generation.Diffusion.Networks;
using Generation.Diffusion.Vision;
using Generation.Diffusion.Weights;
using static TorchSharp.torch;

namespace Generation.Diffusion.Tests.Goldens;

/// <summary>A case of tests/Goldens/modules: its network, loaded, and its inputs, ready to be called.</summary>
internal sealed class ModuleRun : IDisposable
{
    /// <summary>What to do with each class that the reference names; the longest name that occurs in a case's reference counts.</summary>
    private static readonly Dictionary<string, Kind> Kinds = new(StringComparer.Ordinal)
    {
        ["CLIPTextModel"] = Of<ClipTextConfig, CLIPTextModel>((config, weights) => new(config, weights), CallClipText),
        ["CLIPVisionModel"] = Of<ClipVisionConfig, CLIPVisionModel>(
            (config, weights) => new(config, weights),
            (network, run) =>
            {
                ClipVisionOutput output = network.Forward(run["pixel_values"]);
                return new() { ["image_embeds"] = output.ImageEmbeds, ["last_hidden_state"] = output.LastHiddenState };
            }
        ),
        ["CLIPSegForImageSegmentation"] = Of<ClipSegConfig, CLIPSegModel>(
            (config, weights) => new(config, weights),
            (network, run) =>
            {
                Tensor embeds = network.TextEmbeds(run["input_ids"]);
                return new() { ["conditional_embeddings"] = embeds, ["logits"] = network.Forward(run["pixel_values"], embeds) };
            }
        ),
        ["StableDiffusionSafetyChecker"] = Of<SafetyCheckerConfig, SafetyChecker>(
            (config, weights) => new(config, weights),
            (network, run) =>
            {
                Tensor embeds = network.ImageEmbeds(run["pixel_values"]);
                return new() { ["image_embeds"] = embeds, ["has_nsfw"] = tensor(network.Judge(embeds)) };
            }
        ),
        ["T5EncoderModel"] = Of<T5Config, T5EncoderModel>(
            (config, weights) => new(config, weights),
            (network, run) => new() { ["last_hidden_state"] = network.Forward(run["input_ids"]) }
        ),
        ["UNet2DConditionModel"] = Of<UNetConfig, UNet2DConditionModel>(
            (config, weights) => new(config, weights),
            (network, run) =>
                new() { ["sample"] = network.Forward(run["sample"], run["timestep"], run["encoder_hidden_states"], run.Conditions) }
        ),
        ["UNetMotionModel"] = new(LoadMotion, (network, run) =>
            new() { ["sample"] = ((UNetMotionModel)network).Forward(run["sample"], run["timestep"], run["encoder_hidden_states"]) }
        ),
        ["ControlNetModel"] = Of<ControlNetConfig, ControlNetModel>((config, weights) => new(config, weights), CallControlNet),
        ["AutoencoderKL"] = Of<AutoencoderConfig, AutoencoderKL>(
            (config, weights) => new(config, weights),
            (network, run) =>
            {
                LatentDistribution latents = network.Encode(run["image"]);
                return new()
                {
                    ["mean"] = latents.Mean,
                    ["logvar"] = latents.LogVar,
                    ["decoded"] = network.Decode(run["latent"]),
                };
            }
        ),
        ["AutoencoderKLTemporalDecoder"] = Of<AutoencoderConfig, AutoencoderKLTemporalDecoder>(
            (config, weights) => new(config, weights),
            (network, run) => new() { ["decoded"] = network.Decode(run["latent"], run.Golden.Call.GetProperty("num_frames").GetInt32()) }
        ),
        ["UNetSpatioTemporalConditionModel"] = Of<UNetSpatioTemporalConfig, UNetSpatioTemporalConditionModel>(
            (config, weights) => new(config, weights),
            (network, run) =>
                new() { ["sample"] = network.Forward(run["sample"], run["timestep"], run["encoder_hidden_states"], run["added_time_ids"]) }
        ),
        ["AutoencoderTiny"] = Of<AutoencoderTinyConfig, AutoencoderTiny>(
            (config, weights) => new(config, weights),
            (network, run) =>
            {
                Tensor latent = network.Encode(run["image"]);
                return new() { ["latent"] = latent, ["decoded"] = network.Decode(latent) };
            }
        ),
        ["FluxTransformer2DModel"] = Of<FluxConfig, FluxTransformer2DModel>(
            (config, weights) => new(config, weights),
            (network, run) =>
                new()
                {
                    ["sample"] = network.Forward(
                        run["hidden_states"],
                        run["timestep"],
                        run["encoder_hidden_states"],
                        run["pooled_projections"],
                        run["txt_ids"],
                        run["img_ids"],
                        run.Get("guidance")
                    ),
                }
        ),
        ["RRDBNet"] = new(
            (golden, source, dtype) =>
            {
                var weights = new NetworkWeights(RRDBNetKeys.Rename(source), dtype, GoldenCase.Device);
                return new RRDBNet(RRDBNetConfig.FromWeights(weights), weights);
            },
            (network, run) => new() { ["image"] = ((RRDBNet)network).Forward(run["image"]) }
        ),
        ["SRVGGNetCompact"] = new(
            (golden, source, dtype) =>
            {
                var weights = new NetworkWeights(source, dtype, GoldenCase.Device);
                return new SRVGGNetCompact(
                    SRVGGConfig.FromWeights(weights) with
                    {
                        ActType = golden.Call.GetProperty("act_type").GetString()!,
                    },
                    weights
                );
            },
            (network, run) => new() { ["image"] = ((SRVGGNetCompact)network).Forward(run["image"]) }
        ),
    };

    private readonly Kind _kind;
    private readonly Network _network;
    private readonly Dictionary<string, Tensor> _inputs;

    private ModuleRun(GoldenCase golden, Kind kind, Network network)
    {
        Golden = golden;
        _kind = kind;
        _network = network;
        _inputs = golden.Inputs.ToDictionary(name => name, name => golden.Input(name).to(GoldenCase.Device), StringComparer.Ordinal);
    }

    public GoldenCase Golden { get; }

    private UNetConditions Conditions =>
        new()
        {
            ClassLabels = Get("class_labels"),
            TextEmbeds = Get("text_embeds"),
            TimeIds = Get("time_ids"),
            TimestepCond = Get("timestep_cond"),
        };

    /// <summary>An input of the case.</summary>
    public Tensor this[string name] => _inputs[name];

    public static ModuleRun Load(GoldenCase golden, ScalarType dtype)
    {
        string? name = Kinds.Keys.Where(name => golden.Reference.Contains(name, StringComparison.Ordinal)).MaxBy(name => name.Length);
        if (name is null)
        {
            golden.Unknown(golden.Reference);
        }
        Kind kind = Kinds[name!];
        using WeightSource source = SafetensorsFile.Open(golden.PathOf("model.safetensors"));
        return new ModuleRun(golden, kind, kind.Load(golden, source, dtype));
    }

    /// <summary>One call on the case's inputs: the outputs under the case's names, in no dispose scope but the caller's.</summary>
    public Dictionary<string, Tensor> Call() => _kind.Call(_network, this);

    public void Dispose()
    {
        foreach (Tensor input in _inputs.Values)
        {
            input.Dispose();
        }
        _network.Dispose();
    }

    private Tensor? Get(string name) => _inputs.GetValueOrDefault(name);

    private static Dictionary<string, Tensor> CallClipText(CLIPTextModel network, ModuleRun run)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        ClipTextOutput output = network.Forward(run["input_ids"]);
        Dictionary<string, Tensor> outputs = new(StringComparer.Ordinal)
        {
            ["hidden_minus_2"] = output.HiddenStates[^2],
            ["last_hidden_state"] = output.LastHiddenState,
        };
        if (output.TextEmbeds is not null)
        {
            outputs["text_embeds"] = output.TextEmbeds;
        }
        else
        {
            outputs["pooled"] = output.Pooled;
        }
        foreach (Tensor kept in outputs.Values)
        {
            kept.MoveToOuterDisposeScope();
        }
        return outputs;
    }

    private static Dictionary<string, Tensor> CallControlNet(ControlNetModel network, ModuleRun run)
    {
        double scale = run.Golden.Call.GetProperty("conditioning_scale").GetDouble();
        Dictionary<string, Tensor> outputs = new(StringComparer.Ordinal);
        foreach (bool guess in new[] { false, true })
        {
            string prefix = guess ? "guess_" : "";
            ControlNetOutput output = network.Forward(
                run["sample"],
                run["timestep"],
                run["encoder_hidden_states"],
                run["controlnet_cond"],
                scale,
                guess,
                run.Conditions
            );
            outputs[prefix + "mid"] = output.Mid;
            for (int i = 0; i < output.Down.Count; i++)
            {
                outputs[$"{prefix}down_{i}"] = output.Down[i];
            }
        }
        return outputs;
    }

    private static UNetMotionModel LoadMotion(GoldenCase golden, WeightSource source, ScalarType dtype)
    {
        using WeightSource motion = SafetensorsFile.Open(golden.PathOf(golden.Call.GetProperty("motion_adapter").GetString()!));
        return new UNetMotionModel(
            Config<UNetConfig>(golden.Config),
            new NetworkWeights(source, dtype, GoldenCase.Device),
            Config<MotionAdapterConfig>(golden.Call.GetProperty("motion_config")),
            new NetworkWeights(motion, dtype, GoldenCase.Device)
        );
    }

    private static T Config<T>(JsonElement json)
        where T : INetworkConfig => ConfigJson.Parse<T>(json.GetRawText());

    private static Kind Of<TConfig, TNetwork>(
        Func<TConfig, NetworkWeights, TNetwork> build,
        Func<TNetwork, ModuleRun, Dictionary<string, Tensor>> call
    )
        where TConfig : INetworkConfig
        where TNetwork : Network =>
        new(
            (golden, source, dtype) => build(Config<TConfig>(golden.Config), new NetworkWeights(source, dtype, GoldenCase.Device)),
            (network, run) => call((TNetwork)network, run)
        );

    private sealed record Kind(
        Func<GoldenCase, WeightSource, ScalarType, Network> Load,
        Func<Network, ModuleRun, Dictionary<string, Tensor>> Call
    );
}
