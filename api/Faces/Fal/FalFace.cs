using System.Text;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Generation.Api.Webhooks;
using Generation.Contracts;
using Generation.Storage.Accounts;

namespace Generation.Api.Faces.Fal;

/// <summary>
/// fal's interface: its queue under /fal/queue, calls that wait under /fal/run, uploads under /fal/rest. Clients whose addresses are fixed
/// send all calls to one address with the one that they mean in a header; others have a host name for each part.
/// </summary>
internal sealed class FalFace(FalRequests requests, FalFiles files, FalTable table, UploadAddresses addresses) : IFace
{
    /// <summary>The paths under which answers name requests and files, at any of the system's addresses.</summary>
    public const string Queue = "/fal/queue";
    public const string Files = "/fal/files";

    private const string Target = "x-fal-target-url";
    private const string RequestId = "x-fal-request-id";

    private static readonly PathString Root = "/faces/fal";
    private static readonly PathString Short = "/fal";
    private static readonly string[] Parts = ["/queue", "/run", "/rest", "/files"];
    private static readonly object IdKey = new();

    public bool Owns(HttpRequest request) =>
        IsUnder(request.Path, Root)
        || IsUnder(request.Path, Short)
        // The files of outputs have addresses of the native API
        || (FacePort.IsAt(request, table.Hosts, table.Port) && !IsUnder(request.Path, "/v1/jobs"));

    public Task PrepareAsync(HttpContext http)
    {
        HttpRequest request = http.Request;
        UseKey(request);
        PathString path = request.Path;
        if (request.Path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase, out PathString rest))
        {
            path = rest;
        }
        else if (request.Path.StartsWithSegments(Short, StringComparison.OrdinalIgnoreCase, out rest))
        {
            path = rest;
        }

        string target = request.Headers[Target].ToString();
        if (target.Length > 0)
        {
            path = "/";
            if (
                Uri.TryCreate(target, UriKind.Absolute, out Uri? meant)
                && meant.Scheme is "https" or "http"
                && Uri.UnescapeDataString(meant.AbsolutePath) is var named
                && !named.Contains('\0')
            )
            {
                request.QueryString = QueryString.FromUriComponent(meant);
                path = PartOf(meant.Host, request.Method).Add(named);
            }
        }
        else if (!Parts.Any(part => IsUnder(path, part)))
        {
            path = PartOf(request.Host.Host, request.Method).Add(path);
        }

        request.Path = Root.Add(path);
        // On every answer, errors too: set at the last moment, for an error clears the headers
        http.Response.OnStarting(() =>
        {
            http.Response.Headers[RequestId] = http.Items[IdKey] as string ?? Guid.NewGuid().ToString();
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    public Task WriteAsync(HttpContext http, Problem problem) => FalErrors.WriteAsync(http, problem);

    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder root = routes.MapGroup(Root.Value!).WithTags("fal");
        RouteGroupBuilder jobs = root.MapGroup("").RequireAuthorization(Scopes.Jobs);
        jobs.MapPost("/queue/{**path}", requests.SubmitAsync);
        root.MapGet("/queue/{**path}", requests.GetAsync).RequireAuthorization(Scopes.Read);
        jobs.MapPut("/queue/{**path}", requests.CancelAsync);
        jobs.MapPost("/run/{**path}", requests.RunAsync);
        jobs.MapPost("/rest/storage/upload/initiate", files.InitiateAsync);
        root.MapPut("/files/{name}", files.PutAsync);
        root.MapGet("/files/{name}", addresses.FileAsync);
    }

    /// <summary>Says which request an answer is about.</summary>
    public static void SetId(HttpContext http, JobId id) => http.Items[IdKey] = id.ToString();

    /// <summary>An object as it is: with members that are null.</summary>
    public static IResult Json(JsonNode body, int status = StatusCodes.Status200OK) =>
        Results.Text(body.ToJsonString(WireJson.Options), "application/json", Encoding.UTF8, status);

    private static bool IsUnder(PathString path, PathString root) => path.StartsWithSegments(root, StringComparison.OrdinalIgnoreCase);

    /// <summary>The part that a host name means by its first label; what is asked for or cancelled without one is in the queue.</summary>
    private static PathString PartOf(string host, string method) =>
        host.Split('.')[0] switch
        {
            "queue" => Parts[0],
            "rest" => Parts[2],
            _ => HttpMethods.IsPost(method) ? Parts[1] : Parts[0],
        };

    /// <summary>"Key id:secret", of which either may be a key of this system, or "Key" with such a one.</summary>
    private static void UseKey(HttpRequest request)
    {
        const string Scheme = "Key ";
        string authorization = request.Headers.Authorization.ToString();
        if (!authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        string credentials = authorization[Scheme.Length..].Trim();
        request.Headers.Remove("Authorization");
        FaceKeys.Use(request, credentials.Split(':').FirstOrDefault(ApiKey.IsWellFormed) ?? credentials);
    }
}

/// <summary>Adds the face and its parts, and its port where it has one.</summary>
internal static class FalSetup
{
    public static void AddFalFace(this WebApplicationBuilder builder)
    {
        FalTable table = FaceTable.Read<FalTable>("Fal", builder.Configuration);
        builder.Services.AddSingleton(table);
        builder.Services.AddSingleton<FalModels>();
        builder.Services.AddSingleton<FalAnswers>();
        builder.Services.AddSingleton<FalRequests>();
        builder.Services.AddSingleton<FalFiles>();
        builder.Services.AddSingleton<IWebhookFormat, FalWebhook>();
        builder.Services.AddSingleton<IFace, FalFace>();
        builder.ListenOn(table.Port);
    }
}
