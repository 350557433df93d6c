using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Generation.Api.Webhooks;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>
/// The API of ModelsLab (once stablediffusionapi.com), under /api/v3 to /api/v6 and /api/v1/enterprise: every operation is known
/// under all of them, with answers and errors in the manner of the version that was called.
/// </summary>
internal sealed class ModelsLabFace(
    ModelsLabTable table,
    IOptions<FaceOptions> options,
    ModelsLabJobs jobs,
    ModelsLabPictures pictures,
    UploadAddresses addresses,
    ModelsLabAccount account
) : IFace
{
    public bool Owns(HttpRequest request) => ModelsLabDialect.Of(request.Path) is not null;

    public async Task PrepareAsync(HttpContext http)
    {
        ModelsLabDialect dialect = ModelsLabDialect.Of(http.Request.Path)!;
        http.Features.Set(dialect);
        http.Features.Set(new ModelsLabFields());
        BodyBytes.Allow(http.Request, options.Value.BodyLimit(dialect.TakesPictures));
        FaceKeys.Use(http.Request, await ModelsLabKey.FindAsync(http.Request, http.RequestAborted));
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        string[] methods = [HttpMethods.Get, HttpMethods.Post];
        foreach (string under in (string[])["/api/v3", "/api/v4", "/api/v5", "/api/v6", "/api/v1/enterprise"])
        {
            routes
                .MapMethods($"{under}/{{**rest}}", methods, (Delegate)AnswerAsync)
                .RequireAuthorization(Scopes.Jobs)
                .ExcludeFromDescription();
        }

        foreach (string path in (string[])["/api/wallet_balance", "/api/clear_cache"])
        {
            routes.MapMethods(path, methods, (Delegate)AnswerAsync).RequireAuthorization(Scopes.Jobs).ExcludeFromDescription();
        }

        routes.MapGet(ModelsLabPictures.Path + "/{name}", addresses.FileAsync).ExcludeFromDescription();
    }

    public async Task WriteAsync(HttpContext http, Problem problem)
    {
        (int status, System.Text.Json.Nodes.JsonObject body) = ModelsLabErrors.Of(
            problem,
            http.Features.GetRequiredFeature<ModelsLabDialect>(),
            http.Features.GetRequiredFeature<ModelsLabFields>(),
            table
        );
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(body.ToJsonString(WireJson.Options), http.RequestAborted);
    }

    private async Task<IResult> AnswerAsync(HttpContext http)
    {
        ModelsLabDialect dialect = http.Features.GetRequiredFeature<ModelsLabDialect>();
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(dialect.TakesPictures), http.RequestAborted);
        var call = new ModelsLabCall(http, dialect, body, http.Features.GetRequiredFeature<ModelsLabFields>());
        CancellationToken cancellationToken = http.RequestAborted;
        System.Text.Json.Nodes.JsonNode answer = dialect.Operation switch
        {
            "fetch" => await jobs.FetchAsync(call, cancellationToken),
            "base64_crop" => await pictures.UploadAsync(call, cancellationToken),
            "base64_to_url" or "upload_image" => await pictures.ToUrlAsync(call, cancellationToken),
            "nsfw_image_check" => await jobs.CheckPictureAsync(call, cancellationToken),
            "delete_image" or "delete" => await jobs.DeleteAsync(call, cancellationToken),
            "system_load" => await account.LoadAsync(cancellationToken),
            "system_details" => await account.DetailsAsync(cancellationToken),
            "model_list" or "get_all_models" => await account.ModelsAsync(cancellationToken),
            "schedulers_list" => await account.SchedulersAsync(cancellationToken),
            "model_reload" or "load_model" or "verify_model" => await account.VerifyModelAsync(call, cancellationToken),
            "request_count" => await account.RequestCountAsync(call, cancellationToken),
            "wallet_balance" => await account.BalanceAsync(call, cancellationToken),
            "clear_queue" => await jobs.ClearQueueAsync(call, cancellationToken),
            "clear_cache" => ModelsLabAnswers.Done("Cache cleared"),
            _ => await jobs.SubmitAsync(call, cancellationToken),
        };
        http.Response.Headers.CacheControl = "no-store";
        return Results.Text(answer.ToJsonString(WireJson.Options), "application/json");
    }
}

/// <summary>One call of this face.</summary>
/// <param name="Http">The request.</param>
/// <param name="Dialect">Which interface it speaks.</param>
/// <param name="Body">Its fields.</param>
/// <param name="Fields">Under which names they came.</param>
internal sealed record ModelsLabCall(HttpContext Http, ModelsLabDialect Dialect, FaceBody Body, ModelsLabFields Fields)
{
    public Caller Caller => Http.Caller();

    /// <summary>What the call takes of memory for bodies.</summary>
    public BodyShare Share => BodyBudget.Of(Http);

    /// <summary>Address by which the client knows this system.</summary>
    public string Base { get; } = Http.RequestServices.GetRequiredService<FaceCalls>().BaseOf(Http.Request);

    /// <summary>Ends the call if a field could not be read.</summary>
    /// <exception cref="ProblemException">A field could not be read.</exception>
    public void ThrowIfAny()
    {
        Fields.WrongTypes.UnionWith(Body.WrongTypes);
        Body.Errors.ThrowIfAny();
    }
}

/// <summary>Adds the face and its parts.</summary>
internal static class ModelsLabSetup
{
    public static void AddModelsLabFace(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(FaceTable.Read<ModelsLabTable>(ModelsLabTable.Name, configuration));
        services.AddSingleton<ModelsLabAnswers>();
        services.AddSingleton<ModelsLabPictures>();
        services.AddSingleton<ModelsLabAccount>();
        services.AddSingleton<ModelsLabJobs>();
        services.AddSingleton<IWebhookFormat, ModelsLabWebhook>();
        services.AddSingleton<IFace, ModelsLabFace>();
    }
}
