using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>What there is, in this face's lists.</summary>
internal sealed class ComfyLists(ComfyGraphs graphs, ComfyNodes nodes, ComfyTable table, IOptions<FaceOptions> faces)
{
    /// <summary>Folders of files, and the lists that are in them.</summary>
    private static readonly Dictionary<string, string> Folders = new(StringComparer.Ordinal)
    {
        ["checkpoints"] = "checkpoints",
        ["loras"] = "loras",
        ["vae"] = "vaes",
        ["text_encoders"] = "encoders",
        ["clip"] = "encoders",
        ["diffusion_models"] = "unets",
        ["unet"] = "unets",
        ["controlnet"] = "controlnets",
        ["upscale_models"] = "upscalers",
        ["embeddings"] = "embeddings",
    };

    /// <summary>GET /object_info.</summary>
    public async Task<IResult> NodesAsync(CancellationToken cancellationToken)
    {
        ComfyCatalogue catalogue = await graphs.CatalogueAsync(cancellationToken);
        var all = new JsonObject();
        foreach (NodeClass node in nodes.All.Values)
        {
            all[node.Name] = Describe(node, catalogue);
        }

        return Results.Json(all);
    }

    /// <summary>GET /object_info/{name}.</summary>
    public async Task<IResult> NodeAsync(string name, CancellationToken cancellationToken) =>
        Results.Json(
            nodes.All.TryGetValue(name, out NodeClass? node)
                ? new JsonObject { [node.Name] = Describe(node, await graphs.CatalogueAsync(cancellationToken)) }
                : []
        );

    /// <summary>GET /models.</summary>
    public static IResult ModelFolders() => Results.Json(Texts(Folders.Keys));

    /// <summary>GET /models/{folder}.</summary>
    public async Task<IResult> ModelsAsync(string folder, CancellationToken cancellationToken) =>
        Folders.TryGetValue(folder, out string? list)
            ? Results.Json(Texts((await graphs.CatalogueAsync(cancellationToken)).List(list)))
            : throw new ProblemException(
                404,
                "not_found",
                $"There is no folder of this name; there are {string.Join(", ", Folders.Keys)}."
            );

    /// <summary>GET /embeddings.</summary>
    public async Task<IResult> EmbeddingsAsync(CancellationToken cancellationToken) =>
        Results.Json(Texts((await graphs.CatalogueAsync(cancellationToken)).List("embeddings")));

    /// <summary>GET /features.</summary>
    public IResult Features() => Results.Json(FeatureFlags());

    /// <summary>What the server can do, as sockets tell it, too.</summary>
    public JsonObject FeatureFlags() =>
        new() { ["supports_preview_metadata"] = true, ["max_upload_size"] = faces.Value.BodyLimit(withPictures: true) };

    /// <summary>GET /system_stats: pictures are made on other machines than the one that answers, and what those have is not told.</summary>
    public IResult Stats()
    {
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return Results.Json(
            new JsonObject
            {
                ["system"] = new JsonObject
                {
                    ["os"] = OperatingSystem.IsWindows() ? "nt" : "posix",
                    ["ram_total"] = memory,
                    ["ram_free"] = memory,
                    ["comfyui_version"] = table.Version,
                    ["python_version"] = "none",
                    ["pytorch_version"] = "none",
                    ["embedded_python"] = false,
                    ["argv"] = new JsonArray("generation"),
                },
                ["devices"] = new JsonArray(
                    (JsonNode)
                        new JsonObject
                        {
                            ["name"] = "cuda:0 workers",
                            ["type"] = "cuda",
                            ["index"] = 0,
                            ["vram_total"] = 0,
                            ["vram_free"] = 0,
                            ["torch_vram_total"] = 0,
                            ["torch_vram_free"] = 0,
                        }
                ),
            }
        );
    }

    private static JsonObject Describe(NodeClass node, ComfyCatalogue catalogue)
    {
        var input = new JsonObject { ["required"] = Inputs(node.Required, catalogue) };
        var order = new JsonObject { ["required"] = Texts(node.Required.Select(i => i.Name)) };
        if (node.Optional.Count > 0)
        {
            input["optional"] = Inputs(node.Optional, catalogue);
            order["optional"] = Texts(node.Optional.Select(i => i.Name));
        }

        return new JsonObject
        {
            ["input"] = input,
            ["input_order"] = order,
            ["output"] = Texts(node.Outputs),
            ["output_is_list"] = new JsonArray([.. node.Outputs.Select(_ => (JsonNode)false)]),
            ["output_name"] = Texts(node.OutputNames),
            ["name"] = node.Name,
            ["display_name"] = node.Display,
            ["description"] = "",
            ["python_module"] = "nodes",
            ["category"] = node.Category,
            ["output_node"] = node.IsOutput,
        };
    }

    private static JsonObject Inputs(IReadOnlyList<NodeInput> inputs, ComfyCatalogue catalogue)
    {
        var all = new JsonObject();
        foreach (NodeInput input in inputs)
        {
            JsonNode type =
                input.Type != NodeInput.Choice ? input.Type
                : input.Source is { } source ? Texts(catalogue.List(source))
                : Texts(input.Choices);
            all[input.Name] = new JsonArray(type, input.Options.DeepClone());
        }

        return all;
    }

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode)JsonValue.Create(t)!)]);
}
