using Generation.Api.Authentication;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Webhooks;

namespace Generation.Api.Webhooks;

/// <summary>A message to a webhook, as its owner sees it.</summary>
/// <param name="Id">Its id, as webhook-id has it.</param>
/// <param name="Job">The job it is about.</param>
/// <param name="Event">job.queued, job.started, job.succeeded, job.failed, job.cancelled or job.expired.</param>
/// <param name="Url">Where it goes.</param>
/// <param name="State">pending, delivered or given_up.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="CreatedAt">When the job changed.</param>
/// <param name="NextAttemptAt">When it is tried next.</param>
/// <param name="DeliveredAt">When it was taken.</param>
/// <param name="LastStatus">Status of the last answer.</param>
/// <param name="LastError">What went wrong last.</param>
public sealed record WebhookDeliveryAnswer(
    string Id,
    JobId Job,
    string Event,
    string Url,
    string State,
    int Attempts,
    DateTimeOffset CreatedAt,
    DateTimeOffset? NextAttemptAt,
    DateTimeOffset? DeliveredAt,
    int? LastStatus,
    string? LastError
)
{
    internal static WebhookDeliveryAnswer Of(WebhookDelivery d) =>
        new(
            WebhookSender.MessageIdOf(d),
            d.JobId,
            d.Event,
            d.Url,
            d.NextAt is not null ? "pending"
                : d.DeliveredAt is not null ? "delivered"
                : "given_up",
            d.Attempts,
            d.CreatedAt,
            d.NextAt,
            d.DeliveredAt,
            d.LastStatus,
            d.LastError
        );
}

/// <summary>/v1/webhooks: secrets, what was sent, sending it once more.</summary>
internal static class WebhooksApi
{
    public static void AddWebhooks(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<WebhookStore>();
        builder.Services.AddSingleton<IWebhookFormat, StandardWebhookFormat>();
        builder.Services.AddHostedService<WebhookSender>();
    }

    public static void MapWebhooks(this WebApplication app)
    {
        RouteGroupBuilder webhooks = app.MapGroup("/v1/webhooks").RequireAuthorization(Scopes.Jobs).WithTags("Webhooks");
        webhooks
            .MapGet("/secrets", SecretsAsync)
            .WithName("listWebhookSecrets")
            .WithSummary("The secrets with which your webhooks are signed (Standard Webhooks); messages carry one signature for each")
            .Produces<Page<WebhookSecret>>()
            .ProducesProblems(401, 403, 503);
        webhooks
            .MapPost("/secrets", AddSecretAsync)
            .WithName("addWebhookSecret")
            .WithSummary("One more secret, to change over to: add the new, teach your receiver, remove the old")
            .Produces<WebhookSecret>(201)
            .ProducesProblems(401, 403, 429, 503);
        webhooks
            .MapDelete("/secrets/{id:guid}", RemoveSecretAsync)
            .WithName("removeWebhookSecret")
            .WithSummary("Removes a secret")
            .Produces(204)
            .ProducesProblems(401, 403, 404, 503);
        webhooks
            .MapGet("/deliveries", DeliveriesAsync)
            .WithName("listWebhookDeliveries")
            .WithSummary("What was sent to your webhooks, the newest first. job: of one job; limit 1 to 100.")
            .Produces<Page<WebhookDeliveryAnswer>>()
            .ProducesProblems(401, 403, 422, 503);
        webhooks
            .MapPost("/deliveries/{id}/redeliver", RedeliverAsync)
            .WithName("redeliverWebhook")
            .WithSummary("Sends a message once more")
            .Produces<WebhookDeliveryAnswer>(202)
            .ProducesProblems(401, 403, 404, 503);
    }

    private static async Task<IResult> SecretsAsync(HttpContext http, WebhookStore webhooks, CancellationToken cancellationToken)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Results.Ok(new Page<WebhookSecret>(await webhooks.SecretsAsync(http.Caller().AccountId, cancellationToken), null));
    }

    private static async Task<IResult> AddSecretAsync(HttpContext http, WebhookStore webhooks, CancellationToken cancellationToken)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Results.Created((string?)null, await webhooks.AddSecretAsync(http.Caller().AccountId, cancellationToken));
    }

    private static async Task<IResult> RemoveSecretAsync(
        Guid id,
        HttpContext http,
        WebhookStore webhooks,
        CancellationToken cancellationToken
    ) =>
        await webhooks.RemoveSecretAsync(id, http.Caller().AccountId, cancellationToken)
            ? Results.NoContent()
            : throw new ProblemException(404, "secret_not_found", $"You have no webhook secret {id}.");

    private static async Task<IResult> DeliveriesAsync(HttpContext http, WebhookStore webhooks, CancellationToken cancellationToken)
    {
        var query = new QueryReader(http.Request.Query, ["job", "limit"]);
        int limit = query.Integer("limit", 20, 1, 100);
        query.Finish();
        JobId? job = query.Text("job") is { } id ? JobsApi.IdOf(id) : null;
        IReadOnlyList<WebhookDelivery> deliveries = await webhooks.ListAsync(http.Caller().AccountId, job, limit, cancellationToken);
        return Results.Ok(new Page<WebhookDeliveryAnswer>([.. deliveries.Select(WebhookDeliveryAnswer.Of)], null));
    }

    private static async Task<IResult> RedeliverAsync(
        string id,
        HttpContext http,
        WebhookStore webhooks,
        CancellationToken cancellationToken
    )
    {
        string name = id.StartsWith("msg_", StringComparison.Ordinal) ? id[4..] : id;
        WebhookDelivery? delivery = Guid.TryParse(name, out Guid guid)
            ? await webhooks.RedeliverAsync(guid, http.Caller().AccountId, cancellationToken)
            : null;
        return delivery is null
            ? throw new ProblemException(404, "delivery_not_found", $"You have no webhook message '{ErrorText.Shown(id)}'.")
            : Results.Json(WebhookDeliveryAnswer.Of(delivery), WireJson.Options, statusCode: 202);
    }
}
