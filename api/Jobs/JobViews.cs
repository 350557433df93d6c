using System.Text.Json;
using Generation.Api.Status;
using Generation.Contracts;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Caching.Memory;

namespace Generation.Api.Jobs;

/// <summary>A job as a poll answers it: its document as JSON, and a tag that changes whenever the answer does.</summary>
internal sealed record JobView(JobState State, long Revision, byte[] Json, string ETag);

/// <summary>
/// Puts the answers to polls together: the job's document from Redis, or from PostgreSQL where Redis has none, with the progress of
/// a running job, and with position and estimate of a waiting one.
/// </summary>
internal sealed class JobViews(HotState hotState, JobStore jobs, JobQueries queries, LoadCache loads, OutputUrls urls, IMemoryCache cache)
{
    private static readonly TimeSpan PositionMaxAge = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan SignedMaxAge = TimeSpan.FromSeconds(5);

    /// <summary>Where so many wait, a new job is told that it is the last, and exact positions are counted more rarely.</summary>
    private const int LongQueue = 100;

    /// <summary>
    /// The job; null if there is none of this id, or if it belongs to another account. Without an account, whoever's job it is.
    /// </summary>
    public async Task<JobView?> FindAsync(JobId id, Guid? account, CancellationToken cancellationToken)
    {
        HotJob? hot = await hotState.FindAsync(id, cancellationToken);
        if (hot is null)
        {
            if (await jobs.FindAsync(id, account, cancellationToken) is not { } row)
            {
                return null;
            }

            hotState.Show(row);
            hot = new HotJob(
                row.AccountId,
                row.State,
                row.Revision,
                JsonSerializer.SerializeToUtf8Bytes(row.ToDocument(), WireJson.Options),
                null
            );
        }

        if (account is not null && hot.Account != account)
        {
            return null;
        }

        return hot.State switch
        {
            JobState.Queued => await QueuedAsync(id, hot, cancellationToken),
            JobState.Running => Running(hot),
            // Signing anew at every poll would cost more than all the rest of it
            JobState.Succeeded => cache.GetOrCreate((nameof(JobState.Succeeded), id, hot.Revision, urls.ExpiryNow), entry =>
            {
                entry.AbsoluteExpirationRelativeToNow = SignedMaxAge;
                return Succeeded(hot);
            }),
            _ => new JobView(hot.State, hot.Revision, hot.Document, $"\"{hot.Revision}\""),
        };
    }

    /// <summary>The job as a row has it, with what changes from second to second.</summary>
    public async Task<JobDocument> DocumentAsync(JobRow row, CancellationToken cancellationToken)
    {
        JobDocument document = urls.Sign(row.ToDocument());
        if (row.State != JobState.Queued)
        {
            return document;
        }

        (long? position, double? eta, SaidNotice? reason) = await WaitAsync(row.Id, row.Model, cancellationToken);
        return document with { Position = position, EtaSeconds = eta, WaitingReason = reason?.Text, WaitingNotice = reason?.Notice };
    }

    /// <summary>The document of a job just submitted. Where many wait, its position is not counted: it is the last.</summary>
    public async Task<JobDocument> NewDocumentAsync(JobRow row, CancellationToken cancellationToken)
    {
        ModelLoad load = await loads.OfAsync(row.Model, cancellationToken);
        if (row is { State: JobState.Queued, Place: { } place })
        {
            cache.Set((nameof(JobViews), row.Id), place, PositionMaxAge);
        }
        else if (row.State != JobState.Queued || load.Queued < LongQueue)
        {
            return await DocumentAsync(row, cancellationToken);
        }

        QueuePlace last = row.Place ?? LoadCache.Last(load, row.ExpectedSeconds);
        SaidNotice? reason = LoadCache.WaitingReason(load);
        return row.ToDocument() with
        {
            Position = last.Position,
            EtaSeconds = LoadCache.EtaSeconds(load, last),
            WaitingReason = reason?.Text,
            WaitingNotice = reason?.Notice,
        };
    }

    private async Task<JobView> QueuedAsync(JobId id, HotJob hot, CancellationToken cancellationToken)
    {
        string model = ModelOf(hot.Document);
        (long? position, double? eta, SaidNotice? reason) = await WaitAsync(id, model, cancellationToken);
        byte[] json = With(hot.Document, writer =>
        {
            if (position is { } p)
            {
                writer.WriteNumber("position", p);
            }

            if (eta is { } e)
            {
                writer.WriteNumber("eta_seconds", e);
            }

            if (reason is not null)
            {
                writer.WriteString("waiting_reason", reason.Text);
                writer.WritePropertyName("waiting_notice");
                JsonSerializer.Serialize(writer, reason.Notice, WireJson.Options);
            }
        });
        return new JobView(hot.State, hot.Revision, json, $"\"{hot.Revision}-q{position}-{eta}-{reason?.Notice.Code}\"");
    }

    private static JobView Running(HotJob hot)
    {
        JobProgress? progress = hot.Progress;
        byte[] json = progress is null ? hot.Document : With(hot.Document, writer =>
            {
                writer.WriteStartObject("progress");
                writer.WriteNumber("step", progress.Step);
                writer.WriteNumber("steps", progress.Steps);
                writer.WriteEndObject();
            });
        return new JobView(hot.State, hot.Revision, json, $"\"{hot.Revision}-{progress?.Step}\"");
    }

    private JobView Succeeded(HotJob hot)
    {
        string tag = $"\"{hot.Revision}-u{urls.ExpiryNow}\"";
        JobDocument job = JsonSerializer.Deserialize<JobDocument>(hot.Document, WireJson.Options)!;
        byte[] json = job.Outputs.Count == 0 ? hot.Document : JsonSerializer.SerializeToUtf8Bytes(urls.Sign(job), WireJson.Options);
        return new JobView(hot.State, hot.Revision, json, tag);
    }

    private async Task<(long? Position, double? Eta, SaidNotice? Reason)> WaitAsync(
        JobId id,
        string model,
        CancellationToken cancellationToken
    )
    {
        ModelLoad load = await loads.OfAsync(model, cancellationToken);
        QueuePlace? place = await cache.GetOrCreateAsync((nameof(JobViews), id), entry =>
        {
            entry.AbsoluteExpirationRelativeToNow =
                load.Queued < LongQueue ? PositionMaxAge : PositionMaxAge * Math.Min(20, load.Queued / LongQueue);
            return queries.PositionAsync(id, cancellationToken);
        });
        return (place?.Position, place is null ? null : LoadCache.EtaSeconds(load, place), LoadCache.WaitingReason(load));
    }

    /// <summary>A document, with more members at its end.</summary>
    private static byte[] With(byte[] document, Action<Utf8JsonWriter> write)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(64);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        ReadOnlySpan<byte> more = buffer.WrittenSpan[1..];
        if (more is [(byte)'}'])
        {
            return document;
        }

        byte[] joined = new byte[document.Length + more.Length];
        document.AsSpan(0, document.Length - 1).CopyTo(joined);
        joined[document.Length - 1] = (byte)',';
        more.CopyTo(joined.AsSpan(document.Length));
        return joined;
    }

    private static string ModelOf(byte[] document)
    {
        using var json = JsonDocument.Parse(document);
        return json.RootElement.GetProperty("model").GetString()!;
    }
}
