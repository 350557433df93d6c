using System.Text.Json.Nodes;
using Generation.Api.Kinds;
using Generation.Contracts;

namespace Generation.Api.Faces.Dezgo;

/// <summary>What this face tells of itself: /info and /openapi.json.</summary>
internal static class DezgoDescription
{
    private const string Version = "3.152";

    private static readonly string[] Common =
    [
        "prompt",
        "negative_prompt",
        "model",
        "width",
        "height",
        "steps",
        "guidance",
        "sampler",
        "seed",
        "format",
        "lora1",
        "lora1_strength",
        "lora2",
        "lora2_strength",
    ];

    private static readonly Dictionary<string, (string Summary, JobKind Kind, string[] Required, string[] Optional)> Functions = new()
    {
        ["text2image"] = ("A picture from a prompt", JobKind.Text2Img, ["prompt"], [.. Common, "upscale"]),
        ["text2image_sdxl"] = (
            "A picture from a prompt, with SDXL",
            JobKind.Text2Img,
            ["prompt"],
            [.. Common, "upscale", "refiner", "transparent_background"]
        ),
        ["text2image_sdxl_lightning"] = (
            "A picture from a prompt in few steps",
            JobKind.Text2Img,
            ["prompt"],
            [.. Common, "upscale", "transparent_background"]
        ),
        ["text2image_flux"] = ("A picture from a prompt, with FLUX", JobKind.Text2Img, ["prompt"], [.. Common, "transparent_background"]),
        ["image2image"] = (
            "A picture from a picture and a prompt",
            JobKind.Img2Img,
            ["prompt", "init_image"],
            [.. Common, "strength", "upscale"]
        ),
        ["inpainting"] = (
            "Paints inside a mask",
            JobKind.Inpaint,
            ["prompt", "init_image", "mask_image"],
            [.. Common, "strength", "upscale"]
        ),
        ["text-inpainting"] = (
            "Paints what a text names in a picture",
            JobKind.Inpaint,
            ["prompt", "init_image", "mask_prompt"],
            [.. Common, "strength", "upscale"]
        ),
        ["edit-image"] = (
            "Changes a picture as an instruction in words says",
            JobKind.Edit,
            ["prompt", "init_image"],
            [.. Common, "image_guidance", "upscale"]
        ),
        ["controlnet"] = (
            "A picture from a prompt, guided by a control picture",
            JobKind.ControlNet,
            ["prompt", "init_image"],
            [.. Common, "control_model", "control_scale", "control_preprocess", "upscale"]
        ),
        ["upscale"] = ("Makes a picture twice as wide and high", JobKind.SuperResolution, ["image"], ["format", "model"]),
        ["text2video"] = (
            "A clip from a prompt",
            JobKind.Video,
            ["prompt"],
            ["negative_prompt", "model", "width", "height", "num_frames", "fps", "steps", "guidance", "sampler", "seed", "format"]
        ),
    };

    /// <summary>The call that stands for a job.</summary>
    public static string FunctionOf(JobDocument job) =>
        job.Request is InpaintRequest { MaskPrompt: not null }
            ? "text-inpainting"
            : Functions.First(f => f.Value.Kind == job.Kind || job.Kind == JobKind.Outpaint).Key;

    /// <summary>/info.</summary>
    public static JsonObject Info(IReadOnlyDictionary<string, ModelEntry> catalogue, DezgoTable table) =>
        new()
        {
            ["name"] = "Generation",
            ["version"] = "v" + Version,
            ["models"] = new JsonArray([
                .. catalogue.Values.OrderBy(m => m.Name, StringComparer.Ordinal).Select(m => (JsonNode)ModelOf(m, m.Name, table)),
                // The service's own names that mean a model here
                .. table
                    .Models.Where(n => n.Value.Length > 0 && catalogue.ContainsKey(n.Value))
                    .Select(n => (JsonNode)ModelOf(catalogue[n.Value], n.Key, table)),
            ]),
        };

    /// <summary>/openapi.json.</summary>
    public static JsonObject Of(DezgoTable table, string address) =>
        new()
        {
            ["openapi"] = "3.0.3",
            ["info"] = new JsonObject { ["title"] = "Dezgo's interface", ["version"] = Version },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = address }),
            ["components"] = new JsonObject
            {
                ["securitySchemes"] = new JsonObject
                {
                    ["key"] = new JsonObject
                    {
                        ["type"] = "apiKey",
                        ["in"] = "header",
                        ["name"] = "X-Dezgo-Key",
                    },
                },
            },
            ["security"] = new JsonArray(new JsonObject { ["key"] = new JsonArray() }),
            ["paths"] = new JsonObject([
                .. Functions.Select(f =>
                    KeyValuePair.Create("/" + f.Key, (JsonNode?)new JsonObject { ["post"] = OperationOf(f.Key, table) })
                ),
                KeyValuePair.Create("/info", (JsonNode?)Get("The models", "application/json")),
                KeyValuePair.Create(
                    "/account/tx/last",
                    (JsonNode?)Get("The last transaction; its balance is the account's", "application/json")
                ),
                KeyValuePair.Create(
                    "/account/file",
                    (JsonNode?)Get("A job's output (id=JOB/output, offset) or input (id=JOB/input)", "image/png", "id", "offset")
                ),
            ]),
        };

    private static JsonObject ModelOf(ModelEntry model, string id, DezgoTable table) =>
        new()
        {
            ["id"] = id,
            ["name"] = model.Name,
            ["family"] = model.Family,
            ["description"] = model.Description,
            ["license"] = "",
            ["categories"] = new JsonArray(),
            ["functions"] = new JsonArray([.. Functions.Where(f => Does(model, f.Key, f.Value.Kind, table)).Select(f => (JsonNode)f.Key)]),
            ["nativeResolution"] = new JsonObject { ["width"] = model.NativeWidth, ["height"] = model.NativeHeight },
            ["triggers"] = new JsonArray(),
        };

    private static bool Does(ModelEntry model, string function, JobKind kind, DezgoTable table) =>
        model.Kinds.Contains(kind)
        && (table.Functions.GetValueOrDefault(function)?.Families is not { Length: > 0 } families || families.Contains(model.Family))
        && (function != "text-inpainting" || model.MaskFinder is not null);

    private static JsonObject OperationOf(string function, DezgoTable table)
    {
        (string summary, JobKind kind, string[] required, string[] optional) = Functions[function];
        JsonObject Schema(bool isForm) =>
            new()
            {
                ["type"] = "object",
                ["required"] = new JsonArray([.. required.Select(r => (JsonNode)r)]),
                ["properties"] = new JsonObject(
                    required.Concat(optional).Distinct().Select(f => KeyValuePair.Create(f, (JsonNode?)FieldOf(f, table, isForm)))
                ),
            };
        return new JsonObject
        {
            ["operationId"] = function,
            ["summary"] = summary,
            ["requestBody"] = new JsonObject
            {
                ["required"] = true,
                ["content"] = new JsonObject
                {
                    ["application/json"] = new JsonObject { ["schema"] = Schema(false) },
                    ["application/x-www-form-urlencoded"] = new JsonObject { ["schema"] = Schema(false) },
                    ["multipart/form-data"] = new JsonObject { ["schema"] = Schema(true) },
                },
            },
            ["responses"] = new JsonObject
            {
                ["200"] = new JsonObject
                {
                    ["description"] = "The file",
                    ["content"] = new JsonObject
                    {
                        [KindTable.Of(kind).MakesClips ? "video/mp4" : "image/png"] = new JsonObject
                        {
                            ["schema"] = new JsonObject { ["type"] = "string", ["format"] = "binary" },
                        },
                    },
                },
                ["default"] = new JsonObject { ["description"] = "An error: {message}" },
            },
        };
    }

    private static JsonObject FieldOf(string field, DezgoTable table, bool isForm) =>
        field switch
        {
            "width" or "height" or "steps" or "seed" or "upscale" or "num_frames" => new JsonObject { ["type"] = "integer" },
            "guidance" or "strength" or "image_guidance" or "control_scale" or "lora1_strength" or "lora2_strength" or "fps" =>
                new JsonObject { ["type"] = "number" },
            "refiner" or "transparent_background" or "control_preprocess" => new JsonObject { ["type"] = "boolean" },
            "sampler" => new JsonObject
            {
                ["type"] = "string",
                ["enum"] = new JsonArray([.. table.Samplers.Keys.Select(s => (JsonNode)s)]),
            },
            "init_image" or "mask_image" or "image" => new JsonObject { ["type"] = "string", ["format"] = isForm ? "binary" : "byte" },
            _ => new JsonObject { ["type"] = "string" },
        };

    private static JsonObject Get(string summary, string type, params string[] query) =>
        new()
        {
            ["get"] = new JsonObject
            {
                ["summary"] = summary,
                ["parameters"] = new JsonArray([
                    .. query.Select(name =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["name"] = name,
                                ["in"] = "query",
                                ["schema"] = new JsonObject { ["type"] = "string" },
                            }
                    ),
                ]),
                ["responses"] = new JsonObject
                {
                    ["200"] = new JsonObject
                    {
                        ["description"] = summary,
                        ["content"] = new JsonObject { [type] = new JsonObject() },
                    },
                },
            },
        };
}
