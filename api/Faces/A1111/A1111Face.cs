using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Generation.Storage.Accounts;

namespace Generation.Api.Faces.A1111;

/// <summary>
/// The API of AUTOMATIC1111's web UI, and of Forge and SD.Next where theirs is the same: /sdapi/v1, /internal and /controlnet at the root,
/// for their clients have no path in their address, and the same under /faces/a1111.
/// </summary>
internal sealed class A1111Face(
    A1111Calls calls,
    A1111Extras extras,
    A1111Progress progress,
    A1111Options options,
    A1111Lists lists,
    A1111Table table
) : IFace
{
    private static readonly PathString Root = "/faces/a1111";

    private static readonly PathString[] Paths = ["/sdapi/v1", "/internal", "/controlnet"];

    public bool Owns(HttpRequest request) =>
        IsUnderRoot(request)
        || FacePort.IsAt(request, table.Hosts, table.Port)
        || Paths.Any(path => request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase));

    public Task PrepareAsync(HttpContext http)
    {
        UseKey(http.Request);
        if (!IsUnderRoot(http.Request))
        {
            http.Request.Path = Root.Add(http.Request.Path);
        }

        return Task.CompletedTask;
    }

    public Task WriteAsync(HttpContext http, Problem problem) => A1111Errors.WriteAsync(http, problem);

    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder root = routes.MapGroup(Root.Value!).WithTags("AUTOMATIC1111");
        RouteGroupBuilder api = root.MapGroup("/sdapi/v1");
        RouteGroupBuilder jobs = api.MapGroup("").RequireAuthorization(Scopes.Jobs);
        RouteGroupBuilder reads = api.MapGroup("").RequireAuthorization(Scopes.Read);
        jobs.MapPost("/txt2img", calls.Text2ImgAsync);
        jobs.MapPost("/img2img", calls.Img2ImgAsync);
        jobs.MapPost("/extra-single-image", extras.SingleAsync);
        jobs.MapPost("/extra-batch-images", extras.BatchAsync);
        jobs.MapPost("/png-info", extras.PngInfoAsync);
        jobs.MapPost("/interrogate", Interrogate);
        jobs.MapPost("/interrupt", progress.InterruptAsync);
        jobs.MapPost("/skip", progress.SkipAsync);
        jobs.MapPost("/options", options.PostAsync);
        reads.MapGet("/options", options.GetAsync);
        reads.MapGet("/progress", progress.GetAsync);
        reads.MapGet("/sd-models", lists.CheckpointsAsync);
        reads.MapGet("/sd-vae", lists.VaesAsync);
        reads.MapGet("/samplers", lists.SamplersAsync);
        reads.MapGet("/schedulers", lists.SchedulesAsync);
        reads.MapGet("/upscalers", lists.UpscalersAsync);
        reads.MapGet("/loras", lists.LorasAsync);
        reads.MapGet("/embeddings", lists.EmbeddingsAsync);
        reads.MapGet("/prompt-styles", lists.Styles);
        reads.MapGet("/scripts", lists.ScriptsAsync);
        reads.MapGet("/script-info", lists.ScriptInfoAsync);
        reads.MapGet("/cmd-flags", lists.Flags);
        reads.MapGet("/memory", A1111Lists.Memory);
        foreach (
            string nothing in (string[])["/latent-upscale-modes", "/hypernetworks", "/face-restorers", "/realesrgan-models", "/extensions"]
        )
        {
            reads.MapGet(nothing, A1111Lists.Nothing);
        }

        // Models are looked for, and loaded, as they come and are needed; what clients send with these calls is not read
        foreach (string refresh in (string[])["checkpoints", "vae", "loras", "embeddings"])
        {
            jobs.MapPost($"/refresh-{refresh}", () => A1111Lists.Null());
        }

        foreach (string change in (string[])["/unload-checkpoint", "/reload-checkpoint"])
        {
            jobs.MapPost(change, () => Results.Json(new JsonObject()));
        }

        root.MapGet("/internal/ping", () => Results.Json(new JsonObject()));
        root.MapPost("/internal/progress", progress.OfTaskAsync).RequireAuthorization(Scopes.Read);
        RouteGroupBuilder control = root.MapGroup("/controlnet").RequireAuthorization(Scopes.Read);
        control.MapGet("/model_list", lists.ControlModelsAsync);
        control.MapGet("/module_list", lists.ControlModules);
        control.MapGet("/control_types", lists.ControlTypesAsync);
        control.MapGet("/version", () => Results.Json(new JsonObject { ["version"] = 2 }));
        control.MapGet("/settings", () => Results.Json(new JsonObject { ["control_net_unit_count"] = Kinds.ControlNetKind.MaxControls }));
    }

    private static bool IsUnderRoot(HttpRequest request) => request.Path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// The key is the password of Basic authentication, or its user name where clients have no field for more. What is not a key, as some
    /// clients always send it, is as none.
    /// </summary>
    private static void UseKey(HttpRequest request)
    {
        const string Basic = "Basic ";
        string authorization = request.Headers.Authorization.ToString();
        if (!authorization.StartsWith(Basic, StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        request.Headers.Remove("Authorization");
        FaceKeys.Use(request, FaceKeys.OfBasic(authorization[Basic.Length..]));
    }

    /// <summary>Nothing here finds words for a picture.</summary>
    private static IResult Interrogate() => throw new ProblemException(404, "model_not_found", "Model not found");
}

/// <summary>Adds the face, and its port where it has one.</summary>
internal static class A1111Setup
{
    public static void AddA1111Face(this WebApplicationBuilder builder)
    {
        A1111Table table = FaceTable.Read<A1111Table>("A1111", builder.Configuration);
        builder.Services.AddSingleton(table);
        builder.Services.AddSingleton<A1111Options>();
        builder.Services.AddSingleton<A1111Progress>();
        builder.Services.AddSingleton<A1111Calls>();
        builder.Services.AddSingleton<A1111Extras>();
        builder.Services.AddSingleton<A1111Lists>();
        builder.Services.AddSingleton<IFace, A1111Face>();
        builder.ListenOn(table.Port);
    }
}
