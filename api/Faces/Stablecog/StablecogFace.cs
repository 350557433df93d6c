using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.Stablecog;

/// <summary>Stablecog's API v1: /v1/image/..., /v1/credits, /v1/gallery; what it lacks here, /v1/audio among it, is not found.</summary>
internal sealed class StablecogFace(
    IOptions<FaceOptions> options,
    StablecogGenerations generations,
    StablecogUpscales upscales,
    StablecogPictures pictures,
    StablecogLists lists
) : IFace
{
    private static readonly string[] Roots = ["/v1/image", "/v1/audio", "/v1/credits", "/v1/gallery"];

    public bool Owns(HttpRequest request) => Roots.Any(root => request.Path.StartsWithSegments(root, StringComparison.OrdinalIgnoreCase));

    public Task PrepareAsync(HttpContext http)
    {
        http.Features.Set(new StablecogSettings());
        return Task.CompletedTask;
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        Post(["/v1/image/generation/create", "/v1/image/generate"], generations.CreateAsync, withPictures: false);
        Post(["/v1/image/upscale/create", "/v1/image/upscale"], upscales.CreateAsync, withPictures: true);
        Post(["/v1/image/upload"], pictures.UploadAsync, withPictures: true);
        Get(["/v1/image/generation/outputs", "/v1/image/outputs"], lists.OutputsAsync, Scopes.Read);
        Get(["/v1/credits"], lists.CreditsAsync, Scopes.Read);
        Get(["/v1/gallery"], lists.GalleryAsync, null);
        Get(["/v1/image/generation/models", "/v1/image/models/generate", "/v1/image/models"], lists.ModelsAsync, null);
        Get(["/v1/image/upscale/models", "/v1/image/models/upscale"], lists.UpscaleModelsAsync, null);
        Get(["/v1/image/generation/defaults", "/v1/image/defaults/generate", "/v1/image/defaults"], lists.DefaultsAsync, null);
        Get(["/v1/image/upscale/defaults", "/v1/image/defaults/upscale"], lists.UpscaleDefaultsAsync, null);

        void Post(string[] paths, Func<HttpContext, CancellationToken, Task<JsonNode>> answer, bool withPictures)
        {
            long limit = options.Value.BodyLimit(withPictures);
            foreach (string path in paths)
            {
                routes
                    .MapPost(path, (HttpContext http, CancellationToken cancellationToken) =>
                        PostAsync(http, limit, answer, cancellationToken)
                    )
                    .RequireAuthorization(Scopes.Jobs)
                    .ExcludeFromDescription();
            }
        }

        void Get(string[] paths, Func<HttpContext, CancellationToken, Task<JsonNode>> answer, string? scope)
        {
            foreach (string path in paths)
            {
                RouteHandlerBuilder route = routes
                    .MapGet(path, (HttpContext http, CancellationToken cancellationToken) => AnswerAsync(http, answer, cancellationToken))
                    .ExcludeFromDescription();
                _ = scope is null ? route.AllowAnonymous() : route.RequireAuthorization(scope);
            }
        }
    }

    public Task WriteAsync(HttpContext http, Problem problem) => StablecogErrors.WriteAsync(http, problem);

    private static async Task<IResult> PostAsync(
        HttpContext http,
        long limit,
        Func<HttpContext, CancellationToken, Task<JsonNode>> answer,
        CancellationToken cancellationToken
    )
    {
        await FaceBody.ReadAsync(http.Request, limit, cancellationToken);
        return await AnswerAsync(http, answer, cancellationToken);
    }

    private static async Task<IResult> AnswerAsync(
        HttpContext http,
        Func<HttpContext, CancellationToken, Task<JsonNode>> answer,
        CancellationToken cancellationToken
    ) => Results.Text((await answer(http, cancellationToken)).ToJsonString(WireJson.Options), "application/json");
}

/// <summary>Adds the face and its parts.</summary>
internal static class StablecogSetup
{
    public static void AddStablecogFace(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(FaceTable.Read<StablecogTable>(StablecogTable.Section, configuration));
        services.AddSingleton<StablecogPictures>();
        services.AddSingleton<StablecogGenerations>();
        services.AddSingleton<StablecogUpscales>();
        services.AddSingleton<StablecogLists>();
        services.AddSingleton<IFace, StablecogFace>();
    }
}
