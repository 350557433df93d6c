using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Generation.Client;

/// <content>Following a job.</content>
public sealed partial class GenerationClient
{
    private const string DataUri = ";base64,";

    /// <summary>After a stream broke off, so long is waited before the next.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Waits for a job's end, however it ends.</summary>
    /// <param name="id">The job's id.</param>
    /// <param name="progress">Is told what is new.</param>
    /// <param name="token">Ends the wait; the job itself goes on.</param>
    public async Task<Job> WaitAsync(Guid id, IProgress<JobEvent>? progress = null, CancellationToken token = default)
    {
        await foreach (JobEvent news in WatchAsync(id, null, token))
        {
            progress?.Report(news);
            if (news is JobFinished finished)
            {
                return finished.Job;
            }
        }

        return await JobAsync(id, token);
    }

    /// <summary>
    /// What happens to a job, as it happens, until its end. Where the connection breaks off it is made again, and goes on behind what was
    /// told.
    /// </summary>
    /// <param name="id">The job's id.</param>
    /// <param name="after">The id of the last event that is known, from an earlier watch; null: everything is told.</param>
    /// <param name="token">Ends the watch; the job itself goes on.</param>
    public async IAsyncEnumerable<JobEvent> WatchAsync(
        Guid id,
        string? after = null,
        [EnumeratorCancellation] CancellationToken token = default
    )
    {
        int begun = 0;
        for (string? last = after; ; await Task.Delay(Pause, token))
        {
            using HttpResponseMessage answer = await _transport.SendAsync(
                HttpMethod.Get,
                $"v1/jobs/{id}/events",
                null,
                request =>
                {
                    request.Headers.Accept.ParseAdd("text/event-stream");
                    if (last is not null)
                    {
                        request.Headers.Add("Last-Event-ID", last);
                    }
                },
                token
            );
            if (answer.StatusCode == HttpStatusCode.NoContent)
            {
                // The job had ended, and that was known
                yield break;
            }

            await using Stream body = await _transport.BodyAsync(answer, token);
            await using IAsyncEnumerator<SseItem<string>> items = SseParser.Create(body).EnumerateAsync(token).GetAsyncEnumerator(token);
            while (await NextAsync(items))
            {
                last = items.Current.EventId ?? last;
                // A stream that goes on may tell of an attempt's beginning once more
                if (Read(items.Current) is { } news && !(news is JobStarted started && started.Job.Attempt == begun))
                {
                    begun = news is JobStarted first ? first.Job.Attempt : begun;
                    yield return news;
                    if (news is JobFinished)
                    {
                        yield break;
                    }
                }
            }
        }
    }

    /// <summary>Whether there is another item; not where the stream ended, or broke off.</summary>
    private static async Task<bool> NextAsync(IAsyncEnumerator<SseItem<string>> items)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>An event; null for one that this version does not know.</summary>
    private static JobEvent? Read(SseItem<string> item) =>
        item.EventType switch
        {
            "queued" => new JobQueued(item.EventId, JobOf(item)),
            "started" => new JobStarted(item.EventId, JobOf(item)),
            "finished" => new JobFinished(item.EventId, JobOf(item)),
            "progress" => StepOf(item),
            _ => null,
        };

    private static Job JobOf(SseItem<string> item) => JsonSerializer.Deserialize<Job>(item.Data, Transport.Json)!;

    private static JobStepDone StepOf(SseItem<string> item)
    {
        using var data = JsonDocument.Parse(item.Data);
        JsonElement step = data.RootElement;
        byte[]? preview = null;
        if (step.TryGetProperty("preview", out JsonElement text) && text.GetString() is { } uri)
        {
            int place = uri.IndexOf(DataUri, StringComparison.Ordinal);
            preview = place < 0 ? null : Convert.FromBase64String(uri[(place + DataUri.Length)..]);
        }

        return new JobStepDone(
            item.EventId,
            step.GetProperty("step").GetInt32(),
            step.GetProperty("steps").GetInt32(),
            preview is null ? null : preview.AsMemory()
        );
    }
}
