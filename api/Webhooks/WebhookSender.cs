using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Generation.Api.Outbound;
using Generation.Api.Web;
using Generation.Storage.Jobs;
using Generation.Storage.Webhooks;

namespace Generation.Api.Webhooks;

/// <summary>
/// Sends webhook messages, signed as Standard Webhooks has it: webhook-id, webhook-timestamp, and in webhook-signature
/// one "v1,..." for each of the account's secrets. Several processes send side by side; a message is sent at least once.
/// </summary>
internal sealed class WebhookSender(
    WebhookStore webhooks,
    JobStore jobs,
    IEnumerable<IWebhookFormat> formats,
    OutboundHttp outbound,
    TimeProvider time,
    ILogger<WebhookSender> logger
) : BackgroundService
{
    private const int BatchSize = 16;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public static string MessageIdOf(WebhookDelivery delivery) => "msg_" + delivery.Id.ToString("N");

    /// <summary>HMAC-SHA256 of "id.timestamp.body" under the bytes that follow whsec_.</summary>
    public static string SignatureOf(WebhookSecret secret, string id, long timestamp, string body) =>
        "v1,"
        + Convert.ToBase64String(
            HMACSHA256.HashData(
                Convert.FromBase64String(secret.Secret[WebhookSecret.Prefix.Length..]),
                Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.{body}"))
            )
        );

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        do
        {
            try
            {
                IReadOnlyList<WebhookDelivery> due;
                do
                {
                    due = await webhooks.TakeDueAsync(BatchSize, outbound.Limit * 2, stoppingToken);
                    await Task.WhenAll(due.Select(d => DeliverAsync(d, stoppingToken)));
                } while (due.Count == BatchSize);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                ApiLog.LoopFailed(logger, e, "Sending webhooks", Look.TotalSeconds);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task DeliverAsync(WebhookDelivery delivery, CancellationToken cancellationToken)
    {
        int? status = null;
        string? error = null;
        try
        {
            using HttpRequestMessage request = await RequestAsync(delivery, cancellationToken);
            using HttpResponseMessage answer = await outbound.SendAsync(request, cancellationToken);
            status = (int)answer.StatusCode;
            error = answer.IsSuccessStatusCode ? null : $"answered with {status}";
        }
        catch (OutboundException e)
        {
            error = e.Message;
        }

        await webhooks.RecordAsync(delivery, status, error, cancellationToken);
    }

    private async Task<HttpRequestMessage> RequestAsync(WebhookDelivery delivery, CancellationToken cancellationToken)
    {
        JobRow row = await jobs.FindAsync(delivery.JobId, null, cancellationToken)
            ?? throw new OutboundException("the job has been deleted");
        string id = MessageIdOf(delivery);
        long timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        string body = await formats.Last(f => f.Takes(row)).BodyAsync(delivery, row, cancellationToken);
        IReadOnlyList<WebhookSecret> secrets = await webhooks.SecretsAsync(delivery.AccountId, cancellationToken);
        var request = new HttpRequestMessage(HttpMethod.Post, delivery.Url)
        {
            Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", string.Join(' ', secrets.Select(s => SignatureOf(s, id, timestamp, body))));
        return request;
    }
}
