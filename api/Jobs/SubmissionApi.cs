using Generation.Api.Authentication;
using Generation.Api.Inputs;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;

namespace Generation.Api.Jobs;

/// <summary>POST /v1/KIND for each kind of job.</summary>
internal static class SubmissionApi
{
    public static void MapSubmissions(this WebApplication app)
    {
        foreach (KindDefinition kind in KindTable.All)
        {
            Map(app, kind);
        }

        app.MapPost("/v1/controlnet/preview", PreviewAsync)
            .RequireAuthorization(Scopes.Jobs)
            .WithTags("Jobs")
            .WithName("controlnet-preview")
            .WithSummary("A control picture of the same request, as the network would be shown it, as PNG; no job is made")
            .WithDescription("control: which of the request's control pictures, from 0, else the first.")
            .Accepts<ControlNetBody>(JobBodyReader.Json, JobBodyReader.Multipart)
            .Produces(StatusCodes.Status200OK, contentType: "image/png")
            .ProducesProblems(400, 401, 403, 413, 415, 422, 429, 503);
        app.MapPost("/v1/remove-background", RemoveBackground)
            .RequireAuthorization(Scopes.Jobs)
            .WithTags("Jobs")
            .WithName("remove-background")
            .WithSummary("Not done by any network here yet: answered with 'unsupported_kind'")
            .ProducesProblems(401, 403, 422, 429);
    }

    private static void Map(WebApplication app, KindDefinition kind)
    {
        const string Description =
            "Answers at once with a job; poll its self link, or send 'Prefer: wait=N' to be answered when it is done. "
            + "With an Idempotency-Key a repeated request is answered as the first was, and makes no second job.";
        const string WithPictures =
            " Pictures come in as an upload's id, a data URI, base64 or an http(s) address, or as files of a multipart form.";
        app.MapPost(kind.Route, (HttpContext http, JobIntake intake, InputOptions inputs, CancellationToken cancellationToken) =>
                SubmitAsync(kind, http, intake, inputs, cancellationToken)
            )
            .RequireAuthorization(Scopes.Jobs)
            .WithTags("Jobs")
            .WithName(kind.Name)
            .WithMetadata(new TakesIdempotencyKey())
            .WithSummary(kind.Summary)
            .WithDescription(kind.TakesPictures ? Description + WithPictures : Description)
            .Accepts(kind.BodyType, JobBodyReader.Json, kind.TakesPictures ? [JobBodyReader.Multipart] : [])
            .Produces<JobDocument>(StatusCodes.Status202Accepted)
            .Produces<JobDocument>()
            .ProducesProblems(400, 401, 402, 403, 409, 413, 415, 422, 429, 503);
        app.MapPost(
                $"{kind.Route}/estimate",
                (HttpContext http, JobIntake intake, InputOptions inputs, CancellationToken cancellationToken) =>
                    EstimateAsync(kind, http, intake, inputs, cancellationToken)
            )
            .RequireAuthorization(Scopes.Jobs)
            .WithTags("Jobs")
            .WithName($"{kind.Name}-estimate")
            .WithSummary("What the same request would cost and how long it would take; nothing is made of it")
            .Accepts(kind.BodyType, JobBodyReader.Json, kind.TakesPictures ? [JobBodyReader.Multipart] : [])
            .Produces<EstimateAnswer>()
            .ProducesProblems(400, 401, 403, 413, 415, 422, 429, 503);
    }

    private static async Task<IResult> EstimateAsync(
        KindDefinition kind,
        HttpContext http,
        JobIntake intake,
        InputOptions inputs,
        CancellationToken cancellationToken
    )
    {
        var errors = new FieldErrors();
        ReceivedBody received = await JobBodyReader.ReadAsync(http.Request, kind, LimitOf(kind, inputs), errors, cancellationToken);
        BodyShare share = BodyBudget.Of(http);
        share.ReadInto(received);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(await intake.EstimateAsync(http.Caller(), received.Body, errors, share, cancellationToken));
    }

    private static async Task<IResult> PreviewAsync(
        HttpContext http,
        JobIntake intake,
        InputOptions inputs,
        ControlPreviews previews,
        CancellationToken cancellationToken
    )
    {
        var query = new QueryReader(http.Request.Query, ["control"]);
        int index = query.Integer("control", 0, 0, ControlNetKind.MaxControls - 1);
        query.Finish();
        KindDefinition kind = KindTable.Of(JobKind.ControlNet);
        var errors = new FieldErrors();
        ReceivedBody received = await JobBodyReader.ReadAsync(http.Request, kind, LimitOf(kind, inputs), errors, cancellationToken);
        BodyShare share = BodyBudget.Of(http);
        share.ReadInto(received);
        CheckedRequest asked = await intake.CheckAsync(http.Caller(), received.Body, errors, share, cancellationToken);
        var request = (ControlNetRequest)asked.Request;
        if (index >= request.Control.Count)
        {
            errors.Add("control", $"has {request.Control.Count} control pictures, and none of number {index}, counted from 0");
            errors.ThrowIfAny();
        }

        http.Response.Headers.CacheControl = "no-store";
        return Results.Bytes(await previews.MakeAsync(request, asked.Plan, index, cancellationToken), "image/png");
    }

    private static long LimitOf(KindDefinition kind, InputOptions inputs) =>
        kind.TakesPictures ? inputs.MaxRequestBytes : WebSetup.MaxBodyBytes;

    private static async Task<IResult> SubmitAsync(
        KindDefinition kind,
        HttpContext http,
        JobIntake intake,
        InputOptions inputs,
        CancellationToken cancellationToken
    )
    {
        Caller caller = http.Caller();
        var preferences = Preferences.Of(http.Request);
        var errors = new FieldErrors();
        ReceivedBody received = await JobBodyReader.ReadAsync(http.Request, kind, LimitOf(kind, inputs), errors, cancellationToken);
        BodyShare share = BodyBudget.Of(http);
        share.ReadInto(received);
        byte[]? fingerprint = preferences.IdempotencyKey is null ? null : received.Fingerprint;
        return await intake.ReplayAsync(caller, preferences, fingerprint, cancellationToken)
            ?? await intake.SubmitAsync(caller, received.Body, preferences, fingerprint, errors, share, price: null, cancellationToken);
    }

    private static IResult RemoveBackground() =>
        throw new ProblemException(422, "unsupported_kind", "remove-background is not done here: no network for it has been chosen yet.");
}
