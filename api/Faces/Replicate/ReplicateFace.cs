using System.Text;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Generation.Api.Webhooks;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Webhooks;
using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api.Faces.Replicate;

/// <summary>
/// Replicate's HTTP API: under /replicate/v1, for the native API is at /v1, and with it at the root of a host name or a port of its own.
/// </summary>
internal sealed class ReplicateFace(
    ReplicatePredictions predictions,
    ReplicateModels models,
    ReplicateFiles files,
    ReplicateStream stream,
    ReplicateTable table,
    WebhookStore webhooks,
    FaceCalls calls
) : IFace
{
    private const string Version = "/v1";

    private static readonly PathString Root = "/faces/replicate";
    private static readonly PathString Short = "/replicate";

    public bool Owns(HttpRequest request) =>
        request.Path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase)
        || request.Path.StartsWithSegments(Short, StringComparison.OrdinalIgnoreCase)
        // The files of outputs have addresses of the native API
        || (
            FacePort.IsAt(request, table.Hosts, table.Port)
            && !request.Path.StartsWithSegments("/v1/jobs", StringComparison.OrdinalIgnoreCase)
        );

    public Task PrepareAsync(HttpContext http)
    {
        HttpRequest request = http.Request;
        UseToken(request);
        PathString prefix = default;
        PathString path = request.Path;
        foreach (PathString root in (PathString[])[Root, Short])
        {
            if (request.Path.StartsWithSegments(root, StringComparison.OrdinalIgnoreCase, out PathString rest))
            {
                (prefix, path) = (root, rest);
                break;
            }
        }

        // One client wants the version in its address, and another adds it: some have it twice
        if (path.StartsWithSegments(Version + Version, StringComparison.OrdinalIgnoreCase, out PathString once))
        {
            path = Version + once;
        }

        request.Path = Root.Add(path);
        string site = calls.BaseOf(request);
        http.Features.Set(new ReplicateAddress(site, $"{site}{prefix}{Version}"));
        return Task.CompletedTask;
    }

    public Task WriteAsync(HttpContext http, Problem problem) => ReplicateErrors.WriteAsync(http, problem);

    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder root = routes.MapGroup(Root.Value! + Version).WithTags("Replicate");
        RouteGroupBuilder jobs = root.MapGroup("").RequireAuthorization(Scopes.Jobs);
        RouteGroupBuilder reads = root.MapGroup("").RequireAuthorization(Scopes.Read);
        jobs.MapPost("/predictions", predictions.CreateAsync);
        jobs.MapPost("/models/{owner}/{name}/predictions", predictions.CreateOfModelAsync);
        jobs.MapPost("/models/{owner}/{name}/versions/{id}/predictions", predictions.CreateOfVersionAsync);
        jobs.MapPost("/deployments/{owner}/{name}/predictions", predictions.CreateOfDeploymentAsync);
        jobs.MapPost("/predictions/{id}/cancel", predictions.CancelAsync);
        reads.MapGet("/predictions", predictions.ListAsync);
        reads.MapGet("/predictions/{id}", predictions.GetAsync);
        root.MapGet("/files/streams/{id}", stream.WriteAsync);
        jobs.MapPost("/files", files.CreateAsync);
        reads.MapGet("/files", files.ListAsync);
        reads.MapGet("/files/{id}", files.GetAsync);
        jobs.MapDelete("/files/{id}", files.DeleteAsync);
        reads.MapGet("/files/{id}/download", files.DownloadAsync);
        reads.MapGet("/account", Account);
        reads.MapGet("/hardware", Hardware);
        jobs.MapGet("/webhooks/default/secret", SecretAsync);
        reads.MapGet("/models", (HttpContext http, CancellationToken token) => ModelsAsync(http, "", token));
        reads.MapMethods("/models", ["QUERY"], SearchAsync);
        reads.MapGet("/models/{owner}/{name}", ModelAsync);
        reads.MapGet("/models/{owner}/{name}/versions", VersionsAsync);
        reads.MapGet("/models/{owner}/{name}/versions/{id}", VersionAsync);
        reads.MapGet("/models/{owner}/{name}/examples", async (string owner, string name, CancellationToken token) =>
        {
            await models.FindAsync(owner, name, token);
            return Page([], null);
        });
        reads.MapGet("/deployments", DeploymentsAsync);
        reads.MapGet("/deployments/{owner}/{name}", DeploymentAsync);
        reads.MapGet("/collections", () => Page([.. table.Collections.Select(c => (JsonNode)Collection(c.Key, c.Value))], null));
        reads.MapGet("/collections/{slug}", CollectionAsync);
        reads.MapGet("/trainings", () => Page([], null));
    }

    /// <summary>The addresses under which the client of a call knows this system.</summary>
    public static ReplicateAddress AddressOf(HttpContext http) => http.Features.GetRequiredFeature<ReplicateAddress>();

    /// <summary>An object as it is: with members that are null.</summary>
    public static IResult Json(JsonNode body, int status = StatusCodes.Status200OK) =>
        Results.Text(body.ToJsonString(WireJson.Options), "application/json", Encoding.UTF8, status);

    /// <summary>A page of a list.</summary>
    public static IResult Page(JsonArray results, string? next) =>
        Json(
            new JsonObject
            {
                ["previous"] = null,
                ["next"] = next,
                ["results"] = results,
            }
        );

    /// <summary>Old clients write "Token" where others write "Bearer".</summary>
    private static void UseToken(HttpRequest request)
    {
        const string Token = "Token ";
        string authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith(Token, StringComparison.OrdinalIgnoreCase))
        {
            request.Headers.Remove("Authorization");
            FaceKeys.Use(request, authorization[Token.Length..]);
        }
    }

    private static IResult Account(HttpContext http) =>
        Json(
            new JsonObject
            {
                ["type"] = "organization",
                ["username"] = http.Caller().AccountName,
                ["name"] = http.Caller().AccountName,
                ["github_url"] = null,
            }
        );

    private static IResult Hardware() => Json(new JsonArray(new JsonObject { ["sku"] = "own", ["name"] = "This system's own workers" }));

    private async Task<IResult> SecretAsync(HttpContext http, CancellationToken cancellationToken)
    {
        http.Response.Headers.CacheControl = "no-store";
        IReadOnlyList<WebhookSecret> secrets = await webhooks.SecretsAsync(http.Caller().AccountId, cancellationToken);
        return Json(new JsonObject { ["key"] = secrets[0].Secret });
    }

    private async Task<IResult> ModelsAsync(HttpContext http, string words, CancellationToken cancellationToken)
    {
        string site = AddressOf(http).Site;
        return Page(
            [
                .. (await models.ListAsync(cancellationToken))
                    .Where(m =>
                        words
                            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                            .All(word => $"{m.Name} {m.Mapped.Description}".Contains(word, StringComparison.OrdinalIgnoreCase))
                    )
                    .Select(m => (JsonNode)models.Document(m, site)),
            ],
            null
        );
    }

    /// <summary>QUERY /v1/models: the body is the words; some clients send them as a JSON string.</summary>
    private async Task<IResult> SearchAsync(HttpContext http, CancellationToken cancellationToken)
    {
        const int MostBytes = 1024;
        byte[] body = await BodyBytes.ReadAsync(http.Request, MostBytes, cancellationToken);
        return await ModelsAsync(http, Encoding.UTF8.GetString(body).Trim().Trim('"'), cancellationToken);
    }

    private async Task<IResult> ModelAsync(string owner, string name, HttpContext http, CancellationToken cancellationToken) =>
        Json(models.Document(await models.FindAsync(owner, name, cancellationToken), AddressOf(http).Site));

    private async Task<IResult> VersionsAsync(string owner, string name, CancellationToken cancellationToken) =>
        Page([models.VersionDocument(await models.FindAsync(owner, name, cancellationToken))], null);

    private async Task<IResult> VersionAsync(string owner, string name, string id, CancellationToken cancellationToken)
    {
        ReplicateModel model = await models.FindAsync(owner, name, cancellationToken);
        if (!ReplicateModels.IsOf(model, id))
        {
            throw new ProblemException(404, "version_not_found", $"The model {model.Name} has no version '{ErrorText.Shown(id)}'.");
        }

        // As it was asked for: apps know the service's ids
        JsonObject version = models.VersionDocument(model);
        version["id"] = id;
        return Json(version);
    }

    private async Task<IResult> DeploymentsAsync(CancellationToken cancellationToken)
    {
        var list = new JsonArray();
        foreach (string name in table.Deployments.Keys.Order(StringComparer.Ordinal))
        {
            string[] parts = name.Split('/', 2);
            if (parts.Length == 2)
            {
                list.Add((JsonNode)Deployment(name, await models.DeployedAsync(parts[0], parts[1], cancellationToken)));
            }
        }

        return Page(list, null);
    }

    private async Task<IResult> DeploymentAsync(string owner, string name, CancellationToken cancellationToken) =>
        Json(Deployment($"{owner}/{name}", await models.DeployedAsync(owner, name, cancellationToken)));

    private JsonObject Deployment(string name, ReplicateModel model) =>
        new()
        {
            ["owner"] = name[..name.IndexOf('/', StringComparison.Ordinal)],
            ["name"] = name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..],
            ["current_release"] = new JsonObject
            {
                ["number"] = 1,
                ["model"] = model.Name,
                ["version"] = model.Version,
                ["created_at"] = ReplicateAnswers.Time(table.VersionDate),
                ["created_by"] = new JsonObject
                {
                    ["type"] = "organization",
                    ["username"] = table.Owner,
                    ["name"] = table.Owner,
                },
                ["configuration"] = new JsonObject
                {
                    ["hardware"] = "own",
                    ["min_instances"] = 0,
                    ["max_instances"] = 1,
                },
            },
        };

    private static JsonObject Collection(string slug, ReplicateCollection collection) =>
        new()
        {
            ["name"] = collection.Name,
            ["slug"] = slug,
            ["description"] = collection.Description,
        };

    private async Task<IResult> CollectionAsync(string slug, HttpContext http, CancellationToken cancellationToken)
    {
        if (!table.Collections.TryGetValue(slug, out ReplicateCollection? collection))
        {
            throw new ProblemException(404, "collection_not_found", $"There is no collection '{ErrorText.Shown(slug)}'.");
        }

        JsonObject answer = Collection(slug, collection);
        string site = AddressOf(http).Site;
        answer["models"] = new JsonArray([
            .. (await models.ListAsync(cancellationToken))
                .Where(m => m.Mapped.Task == collection.Task)
                .Select(m => (JsonNode)models.Document(m, site)),
        ]);
        return Json(answer);
    }
}

/// <summary>Adds the face and its parts, and its port where it has one.</summary>
internal static class ReplicateSetup
{
    public static void AddReplicateFace(this WebApplicationBuilder builder)
    {
        ReplicateTable table = FaceTable.Read<ReplicateTable>("Replicate", builder.Configuration);
        builder.Services.AddSingleton(table);
        builder.Services.AddSingleton<ReplicateModels>();
        builder.Services.AddSingleton<ReplicateAnswers>();
        builder.Services.AddSingleton<ReplicateDeadlines>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<ReplicateDeadlines>());
        builder.Services.AddSingleton<ReplicatePredictions>();
        builder.Services.AddSingleton<ReplicateFiles>();
        builder.Services.AddSingleton<ReplicateStream>();
        builder.Services.AddSingleton<IWebhookFormat, ReplicateWebhook>();
        builder.Services.AddSingleton<IFace, ReplicateFace>();
        builder.ListenOn(table.Port);
    }
}
