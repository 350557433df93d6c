using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Jobs;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Webhooks;

namespace Generation.Api.Webhooks;

/// <summary>A form of webhook messages. The last registered one that takes a job writes its messages.</summary>
internal interface IWebhookFormat
{
    public bool Takes(JobRow job);

    /// <summary>The message's body, a JSON object.</summary>
    public Task<string> BodyAsync(WebhookDelivery delivery, JobRow job, CancellationToken cancellationToken);
}

/// <summary>The native form, which takes every job: {type, timestamp, data}, as Standard Webhooks has it.</summary>
internal sealed class StandardWebhookFormat(OutputUrls urls) : IWebhookFormat
{
    public bool Takes(JobRow job) => true;

    public Task<string> BodyAsync(WebhookDelivery delivery, JobRow job, CancellationToken cancellationToken) =>
        Task.FromResult(
            new JsonObject
            {
                ["type"] = delivery.Event,
                ["timestamp"] = delivery.CreatedAt.ToString("O"),
                ["data"] = JsonSerializer.SerializeToNode(urls.Sign(job.ToDocument()), WireJson.Options),
            }.ToJsonString(WireJson.Options)
        );
}
