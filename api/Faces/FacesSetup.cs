using Generation.Api.Faces.A1111;
using Generation.Api.Faces.ComfyUi;
using Generation.Api.Faces.Dezgo;
using Generation.Api.Faces.Fal;
using Generation.Api.Faces.ModelsLab;
using Generation.Api.Faces.Nebula;
using Generation.Api.Faces.OpenAi;
using Generation.Api.Faces.Replicate;
using Generation.Api.Faces.Shared;
using Generation.Api.Faces.Stablecog;
using Generation.Api.Web;
using Generation.Storage.Faces;

namespace Generation.Api.Faces;

/// <summary>Puts the faces in front of the native API.</summary>
internal static class FacesSetup
{
    private static readonly TimeSpan SocketKeepAlive = TimeSpan.FromSeconds(20);

    public static void AddFaces(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<FaceOptions>().BindConfiguration(FaceOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddFacesStorage();
        builder.Services.AddSingleton<FaceCalls>();
        builder.Services.AddSingleton<OwnPictures>();
        builder.Services.AddSingleton<UploadAddresses>();
        // Faces with a port of their own come first: all paths there are theirs
        builder.AddA1111Face();
        builder.AddDezgoFace();
        builder.AddReplicateFace();
        builder.AddFalFace();
        builder.AddComfyFace();
        builder.Services.AddOpenAiFace(builder.Configuration);
        builder.Services.AddNebulaFace(builder.Configuration);
        builder.Services.AddModelsLabFace(builder.Configuration);
        builder.Services.AddStablecogFace(builder.Configuration);
    }

    /// <summary>Finds each request's face, before routing, authentication and limits: their errors have the face's shape, too.</summary>
    public static void UseFaces(this WebApplication app)
    {
        // Keep-alives find connections that are gone and were never closed
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = SocketKeepAlive, KeepAliveTimeout = SocketKeepAlive });
        IFace[] faces = [.. app.Services.GetServices<IFace>()];
        app.Use((http, next) => faces.FirstOrDefault(f => f.Owns(http.Request)) is { } face ? PreparedAsync(face, http, next) : next(http));
    }

    private static async Task PreparedAsync(IFace face, HttpContext http, RequestDelegate next)
    {
        http.Features.Set<IProblemShape>(face);
        await face.PrepareAsync(http);
        await next(http);
    }

    public static void MapFaces(this WebApplication app)
    {
        // Each service describes its own calls; /openapi/v1.json is of the native ones
        IEndpointRouteBuilder routes = app.MapGroup("").ExcludeFromDescription();
        foreach (IFace face in app.Services.GetServices<IFace>())
        {
            face.Map(routes);
        }
    }
}
