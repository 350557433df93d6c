using Generation.Contracts;
using Generation.Storage;
using Microsoft.AspNetCore.Http.Features;

namespace Generation.Api;

/// <summary>POST /v1/KIND for each kind of job.</summary>
internal static class JobKindsApi
{
    public static void MapJobKinds(this WebApplication app)
    {
        Map<Text2ImgBody>(app, JobKind.Text2Img, "Words to pictures");
        Map<Img2ImgBody>(app, JobKind.Img2Img, "A picture and words to pictures");
        Map<InpaintBody>(app, JobKind.Inpaint, "Paints inside a mask");
        Map<OutpaintBody>(app, JobKind.Outpaint, "Paints beyond the borders of a picture");
        Map<EditBody>(app, JobKind.Edit, "Changes a picture as an instruction says");
        Map<ControlNetBody>(app, JobKind.ControlNet, "Words to pictures, steered by control pictures");
        Map<SuperResolutionBody>(app, JobKind.SuperResolution, "A small picture to a large one");
        Map<VideoBody>(app, JobKind.Video, "Words, or a picture, to a clip");
        app.MapPost("/v1/remove-background", RemoveBackground)
            .RequireAuthorization(Scopes.Jobs)
            .WithTags("Jobs")
            .WithName("remove-background")
            .WithSummary("Not done by any network here yet: answered with 'unsupported_kind'")
            .ProducesProblems(401, 403, 422, 429);
    }

    private static void Map<TBody>(WebApplication app, JobKind kind, string summary)
        where TBody : JobBody, new()
    {
        string name = kind.WireName();
        RouteHandlerBuilder route = app.MapPost($"/v1/{name}", SubmitAsync<TBody>)
            .RequireAuthorization(Scopes.Jobs)
            .WithTags("Jobs")
            .WithName(name)
            .WithSummary(summary)
            .WithDescription(
                "Answers at once with a job; poll its self link, or send 'Prefer: wait=N' to be answered when it is done. "
                    + "With an Idempotency-Key a repeated request is answered as the first was, and makes no second job."
                    + (
                        kind == JobKind.Text2Img
                            ? ""
                            : " Pictures come in as an upload's id, a data URI, base64 or an http(s) address, or as files of a "
                                + "multipart form."
                    )
            )
            .Produces<JobDocument>(StatusCodes.Status202Accepted)
            .Produces<JobDocument>()
            .ProducesProblems(400, 401, 402, 403, 409, 413, 415, 422, 429, 503);
        _ = kind == JobKind.Text2Img ? route.Accepts<TBody>(JobForm.Json) : route.Accepts<TBody>(JobForm.Json, JobForm.Multipart);
    }

    private static async Task<IResult> SubmitAsync<TBody>(
        HttpContext http,
        JobIntake intake,
        InputOptions inputs,
        CancellationToken cancellationToken
    )
        where TBody : JobBody, new()
    {
        Caller caller = http.Caller();
        var preferences = Preferences.Of(http.Request);
        long limit = typeof(TBody) == typeof(Text2ImgBody) ? WebSetup.MaxBodyBytes : inputs.MaxRequestBytes;
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = limit;
        }

        var errors = new FieldErrors();
        JobForm<TBody> form = await JobForm.ReadAsync<TBody>(http.Request, limit, errors, cancellationToken);
        byte[]? fingerprint = preferences.IdempotencyKey is null ? null : form.Fingerprint;
        return await intake.ReplayAsync(caller, preferences, fingerprint, cancellationToken)
            ?? await intake.SubmitAsync(caller, form.Body, preferences, fingerprint, errors, cancellationToken);
    }

    private static IResult RemoveBackground() =>
        throw new ProblemException(422, "unsupported_kind", "remove-background is not done here: no network for it has been chosen yet.");
}
