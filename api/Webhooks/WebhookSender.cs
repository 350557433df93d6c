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
/// one "v1,..." for each of the account's secrets. Several processes send side by side; a message is sent at least once. Receivers that
/// hang delay nobody else: see <see cref="WebhookRoom"/>.
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
    private const int DatabaseTurns = 8;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(0.25);

    private readonly WebhookRoom _room = new(outbound.Limit * 2);
    private readonly SemaphoreSlim _database = new(DatabaseTurns);

    public override void Dispose()
    {
        _database.Dispose();
        base.Dispose();
    }

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
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // Turn by turn, of each account and to each server a few: whoever has many waits for itself
                while (await TakeTurnAsync(stoppingToken)) { }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                ApiLog.LoopFailed(logger, e, "Sending webhooks", Look.TotalSeconds);
            }

            await Task.Delay(Look, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Begins to send what there is room for; whether anything was taken.</summary>
    private async Task<bool> TakeTurnAsync(CancellationToken cancellationToken)
    {
        if (_room.Next() is not { } turn)
        {
            return false;
        }

        IReadOnlyList<WebhookDelivery> due = await webhooks.TakeDueAsync(turn, cancellationToken);
        foreach (WebhookDelivery delivery in due)
        {
            _room.Enter(delivery);
            _ = SendAsync(delivery, cancellationToken);
        }

        return due.Count > 0;
    }

    private async Task SendAsync(WebhookDelivery delivery, CancellationToken cancellationToken)
    {
        bool? answered = null;
        try
        {
            WebhookAttempt attempt = await AttemptAsync(delivery, cancellationToken);
            // What is known of the server stays known where writing it down fails
            answered = attempt.Answered;
            await InDatabaseTurnAsync(
                async () =>
                {
                    await webhooks.RecordAsync(delivery, attempt.Status, attempt.Error, cancellationToken);
                    return true;
                },
                cancellationToken
            );
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // It is due again after the limit of an attempt
            ApiLog.LoopFailed(logger, e, "Sending a webhook", Look.TotalSeconds);
        }
        catch (OperationCanceledException)
        {
            // The program ends
        }

        _room.Leave(delivery, answered);
    }

    /// <summary>One attempt.</summary>
    /// <exception cref="OutboundException">There was no turn to send it: that is no attempt.</exception>
    private async Task<WebhookAttempt> AttemptAsync(WebhookDelivery delivery, CancellationToken cancellationToken)
    {
        HttpRequestMessage request;
        try
        {
            request = await InDatabaseTurnAsync(() => RequestAsync(delivery, cancellationToken), cancellationToken);
        }
        catch (OutboundException e)
        {
            return new WebhookAttempt(Answered: null, Status: null, e.Message);
        }

        using (request)
        {
            try
            {
                using HttpResponseMessage answer = await outbound.SendAsync(request, delivery.AccountId, cancellationToken);
                int status = (int)answer.StatusCode;
                return new WebhookAttempt(Answered: true, status, answer.IsSuccessStatusCode ? null : $"answered with {status}");
            }
            catch (OutboundException e) when (!e.IsOurs)
            {
                return new WebhookAttempt(Answered: false, Status: null, e.Message);
            }
        }
    }

    /// <summary>Many are sent at a time; the database is left to others.</summary>
    private async Task<T> InDatabaseTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await _database.WaitAsync(cancellationToken);
        try
        {
            return await work();
        }
        finally
        {
            _database.Release();
        }
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

/// <summary>How an attempt ended.</summary>
/// <param name="Answered">Whether the server answered; null where nothing was sent to it.</param>
/// <param name="Status">With which HTTP status it answered; null where it did not.</param>
/// <param name="Error">What was wrong; null where nothing was.</param>
internal sealed record WebhookAttempt(bool? Answered, int? Status, string? Error);
