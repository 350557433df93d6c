using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Contracts;

namespace Generation.Api.Faces.A1111;

/// <summary>What there is, in this face's lists.</summary>
internal sealed class A1111Lists(ModelDirectory models, A1111Options options, A1111Table table)
{
    private const string ControlNet = "controlnet";

    /// <summary>GET /sdapi/v1/sd-models.</summary>
    public async Task<IResult> CheckpointsAsync(CancellationToken cancellationToken) =>
        List(
            Sorted(await models.ModelsAsync(cancellationToken))
                .Where(WeightFiles.IsCheckpoint)
                .Select(model => new JsonObject
                {
                    ["title"] = WeightFiles.TitleOf(model.Name),
                    ["model_name"] = model.Name,
                    ["hash"] = null,
                    ["sha256"] = null,
                    ["filename"] = WeightFiles.TitleOf(model.Name),
                    ["config"] = null,
                })
        );

    /// <summary>GET /sdapi/v1/sd-vae: the autoencoders that the account's checkpoint can have instead of its own.</summary>
    public async Task<IResult> VaesAsync(HttpContext http, CancellationToken cancellationToken) =>
        List(
            ((await CheckpointAsync(http, cancellationToken))?.Vaes ?? []).Select(vae => new JsonObject
            {
                ["model_name"] = vae.Name,
                ["filename"] = WeightFiles.TitleOf(vae.Name),
            })
        );

    /// <summary>GET /sdapi/v1/samplers.</summary>
    public async Task<IResult> SamplersAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<SchedulerEntry> known = await models.SchedulersAsync(cancellationToken);
        return List(
            table
                .Samplers.Where(s => !s.Value.Nearest && known.Any(k => k.Name == s.Value.Native))
                .Select(s => new JsonObject
                {
                    ["name"] = s.Key,
                    ["aliases"] = new JsonArray([.. s.Value.Aliases.Select(a => (JsonNode)JsonValue.Create(a)!)]),
                    ["options"] = s.Value.Automatic.Length > 0 ? new JsonObject { ["scheduler"] = s.Value.Automatic } : new JsonObject(),
                })
        );
    }

    /// <summary>GET /sdapi/v1/schedulers.</summary>
    public async Task<IResult> SchedulesAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<SchedulerEntry> known = await models.SchedulersAsync(cancellationToken);
        return List(
            table
                .Schedules.Where(s => !s.Value.Nearest && known.Any(k => k.Name.EndsWith(s.Value.Suffix, StringComparison.Ordinal)))
                .Select(s => new JsonObject
                {
                    ["name"] = s.Key,
                    ["label"] = s.Value.Label,
                    ["aliases"] = null,
                    ["default_rho"] = s.Value.Rho,
                    ["need_inner_model"] = false,
                })
        );
    }

    /// <summary>GET /sdapi/v1/upscalers.</summary>
    public async Task<IResult> UpscalersAsync(CancellationToken cancellationToken)
    {
        // What enlarges between the passes of hires fix, and not by itself, is in the list for that
        (string Name, int Scale)[] plain = [("None", 4), ("Lanczos", 4)];
        return List(
            plain
                .Concat(
                    ModelChoice
                        .Able(await models.ModelsAsync(cancellationToken), JobKind.SuperResolution)
                        .Select(model => (model.Name, model.Scale ?? 4))
                )
                .Select(upscaler => new JsonObject
                {
                    ["name"] = upscaler.Item1,
                    ["model_name"] = null,
                    ["model_path"] = null,
                    ["model_url"] = null,
                    ["scale"] = upscaler.Item2,
                })
        );
    }

    /// <summary>GET /sdapi/v1/loras.</summary>
    public async Task<IResult> LorasAsync(CancellationToken cancellationToken) =>
        List(
            (await models.ModelsAsync(cancellationToken))
                .Values.SelectMany(model => model.Loras)
                .Select(lora => lora.Name)
                .Distinct()
                .Order(StringComparer.Ordinal)
                .Select(name => new JsonObject
                {
                    ["name"] = name,
                    ["alias"] = name,
                    ["path"] = WeightFiles.TitleOf(name),
                    ["metadata"] = new JsonObject(),
                })
        );

    /// <summary>GET /sdapi/v1/embeddings: those that fit the account's checkpoint, and the others.</summary>
    public async Task<IResult> EmbeddingsAsync(HttpContext http, CancellationToken cancellationToken)
    {
        ModelEntry? checkpoint = await CheckpointAsync(http, cancellationToken);
        (JsonObject loaded, JsonObject skipped) = ([], []);
        foreach (
            AdapterEntry embedding in (await models.ModelsAsync(cancellationToken))
                .Values.SelectMany(model => model.Embeddings)
                .OrderBy(embedding => embedding.Name, StringComparer.Ordinal)
        )
        {
            JsonObject group = embedding.Family == checkpoint?.Family ? loaded : skipped;
            group[embedding.Name] = new JsonObject
            {
                ["step"] = null,
                ["sd_checkpoint"] = null,
                ["sd_checkpoint_name"] = null,
                ["shape"] = null,
                ["vectors"] = null,
            };
        }

        return Results.Json(new JsonObject { ["loaded"] = loaded, ["skipped"] = skipped });
    }

    /// <summary>GET /sdapi/v1/prompt-styles.</summary>
    public IResult Styles() =>
        List(
            table.Styles.Select(style => new JsonObject
            {
                ["name"] = style.Key,
                ["prompt"] = style.Value.Prompt,
                ["negative_prompt"] = style.Value.NegativePrompt,
            })
        );

    /// <summary>GET /sdapi/v1/scripts: ControlNet, where a model has control networks.</summary>
    public async Task<IResult> ScriptsAsync(CancellationToken cancellationToken) =>
        Results.Json(
            new JsonObject
            {
                ["txt2img"] = await HasControlNetAsync(cancellationToken) ? new JsonArray(ControlNet) : new JsonArray(),
                ["img2img"] = new JsonArray(),
            }
        );

    /// <summary>GET /sdapi/v1/script-info.</summary>
    public async Task<IResult> ScriptInfoAsync(CancellationToken cancellationToken) =>
        List(
            await HasControlNetAsync(cancellationToken)
                ?
                [
                    new JsonObject
                    {
                        ["name"] = ControlNet,
                        ["is_alwayson"] = true,
                        ["is_img2img"] = false,
                        ["args"] = new JsonArray([
                            .. Enumerable
                                .Range(0, ControlNetKind.MaxControls)
                                .Select(_ =>
                                    (JsonNode)
                                        new JsonObject
                                        {
                                            ["label"] = "",
                                            ["value"] = null,
                                            ["minimum"] = null,
                                            ["maximum"] = null,
                                            ["step"] = null,
                                            ["choices"] = null,
                                        }
                                ),
                        ]),
                    },
                ]
                : []
        );

    /// <summary>GET /controlnet/model_list: of the account's checkpoint, else of all.</summary>
    public async Task<IResult> ControlModelsAsync(HttpContext http, CancellationToken cancellationToken) =>
        Results.Json(new JsonObject { ["model_list"] = Texts(await NetsAsync(http, cancellationToken)) });

    /// <summary>GET /controlnet/module_list: the preprocessors.</summary>
    public IResult ControlModules() =>
        Results.Json(new JsonObject { ["module_list"] = Texts(table.Control.Modules.Keys), ["module_detail"] = new JsonObject() });

    /// <summary>GET /controlnet/control_types.</summary>
    public async Task<IResult> ControlTypesAsync(HttpContext http, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> nets = await NetsAsync(http, cancellationToken);
        return Results.Json(
            new JsonObject
            {
                ["control_types"] = new JsonObject
                {
                    ["All"] = new JsonObject
                    {
                        ["module_list"] = Texts(table.Control.Modules.Keys),
                        ["model_list"] = Texts([.. nets.Prepend("None")]),
                        ["default_option"] = "none",
                        ["default_model"] = "None",
                    },
                },
            }
        );
    }

    /// <summary>GET /sdapi/v1/cmd-flags: with what the web UI would have been started to be as this face is.</summary>
    public IResult Flags() =>
        Results.Json(
            new JsonObject
            {
                ["api"] = true,
                ["api_auth"] = null,
                ["nowebui"] = true,
                ["listen"] = true,
                ["port"] = table.Port,
            }
        );

    /// <summary>GET /sdapi/v1/memory: the pictures are made on other machines than the one that answers.</summary>
    public static IResult Memory()
    {
        const string Why = "unavailable: pictures are made by workers on other machines";
        return Results.Json(
            new JsonObject
            {
                ["ram"] = new JsonObject { ["error"] = Why },
                ["cuda"] = new JsonObject { ["error"] = Why },
            }
        );
    }

    /// <summary>The answer of calls that have none; clients read JSON from all.</summary>
    public static IResult Null() => Results.Text("null", "application/json");

    /// <summary>Lists of what there is nothing of here.</summary>
    public static IResult Nothing() => Results.Json(new JsonArray());

    private async Task<ModelEntry?> CheckpointAsync(HttpContext http, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        IReadOnlyDictionary<string, string> own = await options.OfAsync(http.Caller().AccountId, cancellationToken);
        return own.TryGetValue(A1111Options.Checkpoint, out string? name)
            ? catalogue.GetValueOrDefault(name)
            : A1111Names.Default(JobKind.Text2Img, table, catalogue);
    }

    private async Task<IReadOnlyList<string>> NetsAsync(HttpContext http, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        IReadOnlyDictionary<string, string> own = await options.OfAsync(http.Caller().AccountId, cancellationToken);
        IEnumerable<ModelEntry> of =
            own.TryGetValue(A1111Options.Checkpoint, out string? name) && catalogue.TryGetValue(name, out ModelEntry? chosen)
                ? [chosen]
                : catalogue.Values;
        return [.. of.SelectMany(model => model.ControlNets).Select(net => net.Name).Distinct().Order(StringComparer.Ordinal)];
    }

    private async Task<bool> HasControlNetAsync(CancellationToken cancellationToken) =>
        ModelChoice.Able(await models.ModelsAsync(cancellationToken), JobKind.ControlNet).Length > 0;

    private static IEnumerable<ModelEntry> Sorted(IReadOnlyDictionary<string, ModelEntry> catalogue) =>
        catalogue.Values.OrderBy(model => model.Name, StringComparer.Ordinal);

    private static IResult List(IEnumerable<JsonObject> items) => Results.Json(new JsonArray([.. items]));

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode)JsonValue.Create(t)!)]);
}
