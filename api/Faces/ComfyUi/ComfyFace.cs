using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Generation.Storage.Accounts;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>
/// The API of ComfyUI: /prompt, /queue, /history, /view, /ws and so on at the root, for many clients have no path in their address, and the
/// same under /faces/comfyui; each also with /api before it.
/// </summary>
internal sealed class ComfyFace(ComfyPrompts prompts, ComfyFiles files, ComfyLists lists, ComfySockets sockets, ComfyTable table) : IFace
{
    private const string Api = "/api";

    private static readonly PathString Root = "/faces/comfyui";

    private static readonly PathString[] Paths =
    [
        "/prompt",
        "/queue",
        "/history",
        "/view",
        "/view_metadata",
        "/upload/image",
        "/upload/mask",
        "/object_info",
        "/system_stats",
        "/interrupt",
        "/free",
        "/embeddings",
        "/features",
        "/extensions",
        "/models",
        "/ws",
    ];

    public bool Owns(HttpRequest request) =>
        IsUnder(request.Path, Root)
        || FacePort.IsAt(request, table.Hosts, table.Port)
        || Paths.Any(path => IsUnder(request.Path, path) || IsUnder(request.Path, Api + path));

    public Task PrepareAsync(HttpContext http)
    {
        UseKey(http.Request);
        PathString path = http.Request.Path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase, out PathString rest)
            ? rest
            : http.Request.Path;
        if (path.StartsWithSegments(Api, StringComparison.OrdinalIgnoreCase, out PathString behind))
        {
            path = behind;
        }

        http.Request.Path = Root.Add(path);
        return Task.CompletedTask;
    }

    public Task WriteAsync(HttpContext http, Problem problem) => ComfyErrors.WriteAsync(http, problem);

    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder root = routes.MapGroup(Root.Value!).WithTags("ComfyUI");
        RouteGroupBuilder jobs = root.MapGroup("").RequireAuthorization(Scopes.Jobs);
        RouteGroupBuilder reads = root.MapGroup("").RequireAuthorization(Scopes.Read);
        jobs.MapPost("/prompt", prompts.PostAsync);
        jobs.MapPost("/queue", prompts.ChangeQueueAsync);
        jobs.MapPost("/interrupt", prompts.InterruptAsync);
        jobs.MapPost("/history", prompts.ChangeHistoryAsync);
        jobs.MapPost("/upload/image", files.UploadAsync);
        jobs.MapPost("/upload/mask", files.UploadMaskAsync);
        // Models come and go as they are needed; what clients send with it is not read
        jobs.MapPost("/free", () => Results.Empty);
        reads.MapGet("/prompt", prompts.GetAsync);
        reads.MapGet("/queue", prompts.QueueAsync);
        reads.MapGet("/history", prompts.HistoryAsync);
        reads.MapGet("/history/{id}", prompts.HistoryOfAsync);
        reads.MapGet("/view", files.ViewAsync);
        reads.MapGet("/view_metadata/{folder}", () => Results.Json(new JsonObject()));
        reads.MapGet("/object_info", lists.NodesAsync);
        reads.MapGet("/object_info/{name}", lists.NodeAsync);
        reads.MapGet("/system_stats", lists.Stats);
        reads.MapGet("/models", ComfyLists.ModelFolders);
        reads.MapGet("/models/{folder}", lists.ModelsAsync);
        reads.MapGet("/embeddings", lists.EmbeddingsAsync);
        reads.MapGet("/features", lists.Features);
        reads.MapGet("/extensions", () => Results.Json(new JsonArray()));
        // Over HTTP/2 a socket is opened by another method than GET
        reads.Map("/ws", sockets.AcceptAsync);
    }

    private static bool IsUnder(PathString path, PathString root) => path.StartsWithSegments(root, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// The key is a bearer token, the password of Basic authentication, or "token" of the query, which programs have that open a socket and
    /// can set no header. What is not a key, as Open WebUI always sends it, is as none; then the face's own key counts, where it has one.
    /// </summary>
    private void UseKey(HttpRequest request)
    {
        const string Basic = "Basic ";
        const string Bearer = "Bearer ";
        string authorization = request.Headers.Authorization.ToString().Trim();
        string key = request.Query["token"].ToString();
        if (authorization.StartsWith(Basic, StringComparison.OrdinalIgnoreCase))
        {
            key = FaceKeys.OfBasic(authorization[Basic.Length..]);
        }
        else if (authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) && authorization.Length > Bearer.Length)
        {
            key = authorization[Bearer.Length..];
        }

        if (string.IsNullOrWhiteSpace(key) && !request.Headers.ContainsKey("X-Api-Key") && table.Key.Length > 0 && IsFromHere(request))
        {
            key = table.Key;
        }

        request.Headers.Remove("Authorization");
        FaceKeys.Use(request, key);
    }

    /// <summary>Whether no page of another origin has sent a request: a browser would send it with nobody's wish.</summary>
    private static bool IsFromHere(HttpRequest request) =>
        request.Headers.Origin.ToString() is not { Length: > 0 } origin
        || (
            Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
            && uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)
        );
}

/// <summary>Adds the face, and its port where it has one.</summary>
internal static class ComfySetup
{
    public static void AddComfyFace(this WebApplicationBuilder builder)
    {
        ComfyTable table = FaceTable.Read<ComfyTable>("ComfyUi", builder.Configuration);
        builder.Services.AddSingleton(table);
        builder.Services.AddSingleton(ComfyNodes.Load());
        builder.Services.AddSingleton<ComfyFiles>();
        builder.Services.AddSingleton<ComfyGraphs>();
        builder.Services.AddSingleton<ComfyRuns>();
        builder.Services.AddSingleton<ComfyLists>();
        builder.Services.AddSingleton<ComfySockets>();
        builder.Services.AddSingleton<ComfyPrompts>();
        builder.Services.AddSingleton<IFace, ComfyFace>();
        builder.ListenOn(table.Port);
    }
}
