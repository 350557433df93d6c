using Generation.Contracts;
using Generation.Storage;
using Microsoft.Extensions.Options;

namespace Generation.Api;

/// <summary>POST /v1/text2img.</summary>
internal static class Text2ImgApi
{
    public static void MapText2Img(this WebApplication app) =>
        app.MapPost("/v1/text2img", SubmitAsync)
            .RequireAuthorization(Scopes.Jobs)
            .WithTags("Jobs")
            .WithName("text2img")
            .WithSummary("Words to pictures")
            .WithDescription(
                "Answers at once with a job; poll its self link, or send 'Prefer: wait=N' to be answered when it is done. "
                + "With an Idempotency-Key a repeated request is answered as the first was, and makes no second job.")
            .Accepts<Text2ImgBody>("application/json")
            .Produces<JobDocument>(StatusCodes.Status202Accepted)
            .Produces<JobDocument>()
            .ProducesProblems(400, 401, 402, 403, 409, 413, 415, 422, 429, 503);

    private static async Task<IResult> SubmitAsync(
        HttpContext http, ModelDirectory models, IOptions<PriceOptions> prices, LimitsDirectory limits, Submission submission, TimeProvider time, CancellationToken cancellationToken)
    {
        Caller caller = http.Caller();
        Preferences preferences = Preferences.Of(http.Request);
        JsonBody json = await JsonBody.ReadAsync(http.Request, WebSetup.MaxBodyBytes, cancellationToken);
        byte[]? fingerprint = preferences.IdempotencyKey is null ? null : json.Fingerprint(http.Request);
        if (fingerprint is not null
            && await submission.ReplayAsync(caller, preferences.IdempotencyKey!, fingerprint, cancellationToken) is { } replay)
        {
            return replay;
        }

        var errors = new FieldErrors();
        Text2ImgBody body = StrictReader.Read<Text2ImgBody>(json.Root, errors);
        var checks = new RequestChecks(errors, await models.ModelsAsync(cancellationToken), await models.SchedulersAsync(cancellationToken));
        (Text2ImgRequest request, ModelEntry model, RenderPlan plan) = checks.Check(body);
        AccountLimits own = limits.Of(caller);
        own.Check(request);
        var job = new NewJob
        {
            Id = JobId.New(time),
            AccountId = caller.AccountId,
            Request = request,
            Cost = prices.Value.Of(request, model, plan),
            Priority = body.Priority ?? 0,
            ExpiresIn = RequestChecks.ExpiresIn(body),
            MaxQueued = own.QueuedJobs,
            Render = plan,
            Metadata = body.Metadata,
            WebhookUrl = body.WebhookUrl,
            WebhookEvents = body.WebhookEvents,
        };
        return await submission.SubmitAsync(caller, job, preferences, fingerprint, cancellationToken);
    }
}
