using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.Nebula;

/// <summary>Nebula Block's serverless images: /api/v1/images/generation.</summary>
internal sealed class NebulaFace(FaceCalls calls, ModelDirectory models, NebulaTable table, IOptions<FaceOptions> options) : IFace
{
    private const int MultipleOf = 16;

    private static readonly PathString Root = "/api/v1/images";

    private static readonly Dictionary<string, string> Names = new()
    {
        ["num_inference_steps"] = "num_steps",
        ["image"] = "input_image",
        ["mask"] = "mask_image",
    };

    public bool Owns(HttpRequest request) => request.Path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase);

    public async Task WriteAsync(HttpContext http, Problem problem)
    {
        if (problem.Status == StatusCodes.Status422UnprocessableEntity)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
        }

        string text = FaceProblem.Text(problem, Names);
        var details = new JsonObject(
            FaceProblem
                .Fields(problem, Names)
                .GroupBy(f => f.Field)
                .Select(f => KeyValuePair.Create(f.Key, (JsonNode?)JsonValue.Create(string.Join(' ', f.Select(x => x.Detail)))))
        );
        await http.Response.WriteAsJsonAsync(
            new JsonObject
            {
                ["status"] = "error",
                ["message"] = text,
                ["error"] = new JsonObject
                {
                    ["code"] = CodeOf(problem),
                    ["message"] = text,
                    ["details"] = details,
                },
            },
            http.RequestAborted
        );
    }

    public void Map(IEndpointRouteBuilder routes) =>
        // The service's own documents show GET with a body, too
        routes
            .MapMethods(Root.Add("/generation").Value!, ["POST", "GET"], GenerateAsync)
            .RequireAuthorization(Scopes.Jobs)
            .WithTags("Nebula Block")
            .WithSummary("Nebula Block: words, or a picture, to a picture");

    private static string CodeOf(Problem problem) =>
        problem switch
        {
            { Errors: { } errors } when errors.ContainsKey("prompt") => "invalid_prompt",
            { Errors: { } errors } when errors.ContainsKey("width") || errors.ContainsKey("height") => "invalid_size",
            { Limit: "pixels" } => "invalid_size",
            { Status: 402 } => "insufficient_quota",
            { Status: 429 } => "rate_limit_exceeded",
            { Code: "prompt_refused" or "prompt_blocked" or "content_policy" } => "content_policy_violation",
            _ => problem.Code,
        };

    private async Task<IResult> GenerateAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: true), cancellationToken);
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        string? name = body.Text("model", "model_name");
        PictureBody native = Body(body, name, catalogue);
        await using FaceCall call = await calls.BeginAsync(http, body, cancellationToken);
        JobDocument job = await call.RunAsync(0, native, null, cancellationToken);
        var data = new JsonArray();
        foreach (JobOutputLink output in job.Outputs)
        {
            data.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["timings"] = new JsonObject
                        {
                            ["inference"] = Math.Round(((job.FinishedAt - job.StartedAt) ?? TimeSpan.Zero).TotalSeconds, 3),
                        },
                        ["index"] = output.Index,
                        ["b64_json"] = Convert.ToBase64String(await calls.ReadAsync(output, cancellationToken)),
                    }
            );
        }

        http.Response.Headers["x-job-id"] = job.Id.ToString();
        call.Answered();
        return Results.Json(
            new JsonObject
            {
                ["model"] = name ?? job.Model,
                ["object"] = "list",
                ["data"] = data,
                ["message"] = "Image generated successfully",
                ["status"] = "success",
            }
        );
    }

    private PictureBody Body(FaceBody body, string? name, IReadOnlyDictionary<string, ModelEntry> catalogue)
    {
        PictureSource? image = body.Picture("input_image", "image");
        PictureSource? mask = body.Picture("mask_image", "mask");
        if (mask is not null && image is null && !body.Errors.Has("input_image"))
        {
            body.Errors.Add("input_image", "is required where there is a mask_image");
        }

        PictureBody native = (image, mask) switch
        {
            (_, not null) => new InpaintBody
            {
                Image = image,
                Mask = mask,
                MaskMode = table.MaskMode,
                Strength = body.Number("strength"),
            },
            ({ } picture, null) => new Img2ImgBody { Image = picture, Strength = body.Number("strength") ?? table.Strength },
            _ => new Text2ImgBody(),
        };
        JobKind kind = KindTable.Of(native).Kind;
        try
        {
            native.Model = FaceNames.Model(name, table.Models, table.DefaultModel, catalogue);
        }
        catch (UnknownNameException e)
        {
            body.Errors.Add("model", e.Message);
        }

        native.Prompt = body.Text("prompt");
        native.NegativePrompt = body.Text("negative_prompt");
        native.Width = body.Int("width");
        native.Height = body.Int("height");
        if (
            image is not null
            && ModelChoice.Find(catalogue, native.Model, kind) is { } model
            && native is { Width: { } width, Height: { } height }
        )
        {
            // With a picture other sizes are resized there, not refused
            (native.Width, native.Height) = ModelChoice.NearestSize(model, Near(width), Near(height));
        }

        native.NumInferenceSteps = body.Int("num_steps", "steps", "num_inference_steps");
        native.GuidanceScale = body.Number("guidance_scale", "guidance");
        native.Seed = body.Integer("seed") is >= 0 and { } seed ? seed : null;
        native.NumImages = body.Int("n", "num_images");
        return native;
    }

    private static int Near(int side) => Math.Max(MultipleOf, side / MultipleOf * MultipleOf);
}

/// <summary>Adds the face.</summary>
internal static class NebulaSetup
{
    public static void AddNebulaFace(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(FaceTable.Read<NebulaTable>("Nebula", configuration));
        services.AddSingleton<IFace, NebulaFace>();
    }
}

/// <summary>How names of this face become ours: table.json, with the configuration section "Faces:Nebula" over it.</summary>
internal sealed record NebulaTable
{
    /// <summary>The catalogue's name for requests that name no model; empty: the catalogue's default.</summary>
    public string DefaultModel { get; init; } = "";

    /// <summary>Model names to the catalogue's; empty: the default. "*" stands for all that are not listed.</summary>
    public Dictionary<string, string> Models { get; init; } = [];

    /// <summary>Which part of mask_image is painted.</summary>
    public string MaskMode { get; init; } = "paint_white";

    /// <summary>How much of an input_image without a mask changes.</summary>
    public double Strength { get; init; } = 0.75;
}
