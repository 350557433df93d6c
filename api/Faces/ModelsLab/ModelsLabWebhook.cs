using Generation.Api.Webhooks;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Generation.Storage.Webhooks;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>Webhook messages of jobs that were made through this face, as the service sends them.</summary>
internal sealed class ModelsLabWebhook(ModelsLabAnswers answers) : IWebhookFormat
{
    public bool Takes(JobRow job) => ModelsLabNote.Of(job) is not null;

    public async Task<string> BodyAsync(WebhookDelivery delivery, JobRow job, CancellationToken cancellationToken) =>
        (await answers.WebhookAsync(job, ModelsLabNote.Of(job)!, cancellationToken)).ToJsonString(WireJson.Options);
}
