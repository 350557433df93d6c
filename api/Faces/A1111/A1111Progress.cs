using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Contracts;
using Generation.Storage.Faces;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.A1111;

/// <summary>
/// What an account's calls of this face do at present, and how they are stopped. The web UI makes one picture at a time, for everybody;
/// here it is the account's call that began first.
/// </summary>
internal sealed class A1111Progress(
    FaceCalls calls,
    JobQueries queries,
    JobStore jobs,
    HotState hotState,
    FaceMemory memory,
    IOptions<FaceOptions> options
)
{
    /// <summary>So many of an account's newest jobs are looked at at a time, and so many times at most.</summary>
    private const int PageSize = 100;

    private const int MostPages = 10;

    private const double Begun = 0.01;

    /// <summary>Where the last preview of a job is kept that was stopped, for its call's answer.</summary>
    private const string Preview = "preview";

    private static readonly TimeSpan PreviewKept = TimeSpan.FromMinutes(5);

    /// <summary>GET /sdapi/v1/progress.</summary>
    public async Task<IResult> GetAsync(HttpContext http, CancellationToken cancellationToken)
    {
        bool withoutPicture = bool.TryParse(http.Request.Query["skip_current_image"], out bool skip) && skip;
        Current? current = await CurrentAsync(http.Caller().AccountId, cancellationToken);
        byte[]? preview =
            current is { Job.State: JobState.Running } && !withoutPicture
                ? await hotState.PreviewAsync(current.Job.Id, cancellationToken)
                : null;
        return Results.Json(
            new JsonObject
            {
                ["progress"] = current?.Share ?? 0,
                ["eta_relative"] = current?.Job.EtaSeconds ?? 0,
                ["state"] = StateOf(current),
                ["current_image"] = preview is { Length: > 0 } ? Convert.ToBase64String(preview) : null,
                ["textinfo"] = current?.Job is { State: JobState.Queued } waiting ? Waiting(waiting) : null,
            }
        );
    }

    /// <summary>POST /internal/progress: of one call, by the name that its client gave it.</summary>
    public async Task<IResult> OfTaskAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, options.Value.BodyLimit(withPictures: false), cancellationToken);
        string? task = body.Text("id_task");
        bool withPicture = body.Flag("live_preview") ?? true;
        long seen = body.Integer("id_live_preview") ?? -1;
        if (task is null && !body.Errors.Has("id_task"))
        {
            body.Errors.Add("id_task", "is required");
        }

        body.Errors.ThrowIfAny();
        Guid account = http.Caller().AccountId;
        IReadOnlyList<JobRow> newest = await queries.ListAsync(new JobFilter { AccountId = account, Limit = PageSize }, cancellationToken);
        (JobRow Row, A1111Note Note)[] own =
        [
            .. newest
                .Select(row => (Row: row, Note: A1111Note.Read(row.Metadata)))
                .Where(job => job.Note?.Task == task)
                .Select(job => (job.Row, job.Note!)),
        ];
        Current? current = await FirstAsync([.. own.Where(job => !job.Row.State.IsFinal())], account, cancellationToken);
        byte[]? preview =
            current is { Job.State: JobState.Running } && withPicture
                ? await hotState.PreviewAsync(current.Job.Id, cancellationToken)
                : null;
        long id = current?.Job.Progress?.Step ?? 0;
        bool isNew = preview is { Length: > 0 } && id != seen;
        return Results.Json(
            new JsonObject
            {
                ["active"] = current?.Job.State == JobState.Running,
                ["queued"] = current?.Job.State == JobState.Queued,
                ["completed"] = own.Length > 0 && current is null,
                ["progress"] = current?.Share,
                ["eta"] = current?.Job.EtaSeconds,
                ["live_preview"] = isNew ? $"data:{TypeOf(preview!)};base64,{Convert.ToBase64String(preview!)}" : null,
                ["id_live_preview"] = isNew ? id : seen,
                ["textinfo"] = current?.Job is { State: JobState.Queued } waiting ? Waiting(waiting) : null,
            }
        );
    }

    /// <summary>POST /sdapi/v1/interrupt: stops all that the account's calls of this face have begun or wait for.</summary>
    public async Task<IResult> InterruptAsync(HttpContext http, CancellationToken cancellationToken)
    {
        foreach ((JobRow row, _) in await OpenAsync(http.Caller().AccountId, cancellationToken))
        {
            await StopAsync(row, cancellationToken);
        }

        return Results.Json(new JsonObject());
    }

    /// <summary>POST /sdapi/v1/skip: stops the present job; the others of its call go on.</summary>
    public async Task<IResult> SkipAsync(HttpContext http, CancellationToken cancellationToken)
    {
        if (await OpenAsync(http.Caller().AccountId, cancellationToken) is [var (row, _), ..])
        {
            await StopAsync(row, cancellationToken);
        }

        return A1111Lists.Null();
    }

    /// <summary>The last preview of a job that was stopped; null where there is none.</summary>
    public async Task<byte[]?> UnfinishedAsync(JobId id, CancellationToken cancellationToken) =>
        (await memory.FindAsync(KeyOf(id), cancellationToken))?.GetValueOrDefault(Preview);

    private async Task StopAsync(JobRow row, CancellationToken cancellationToken)
    {
        // With the job's end it is gone
        if (row.State == JobState.Running && await hotState.PreviewAsync(row.Id, cancellationToken) is { Length: > 0 } preview)
        {
            await memory.KeepAsync(KeyOf(row.Id), new Dictionary<string, byte[]> { [Preview] = preview }, PreviewKept, cancellationToken);
        }

        await jobs.CancelAsync(row.Id, row.AccountId, cancellationToken);
    }

    private async Task<Current?> CurrentAsync(Guid account, CancellationToken cancellationToken)
    {
        List<(JobRow Row, A1111Note Note)> open = await OpenAsync(account, cancellationToken);
        return open is [var (_, first), ..]
            ? await FirstAsync([.. open.Where(job => job.Note.Call == first.Call)], account, cancellationToken)
            : null;
    }

    /// <summary>How far a call is, by those of its jobs that have not ended; null where all have.</summary>
    private async Task<Current?> FirstAsync(
        IReadOnlyList<(JobRow Row, A1111Note Note)> open,
        Guid account,
        CancellationToken cancellationToken
    )
    {
        foreach ((JobRow row, A1111Note note) in open)
        {
            if (await calls.FindAsync(row.Id, account, cancellationToken) is { } job && !job.State.IsFinal())
            {
                int places = Math.Max(note.Places, open.Count);
                return new Current(job, places - open.Count, places);
            }
        }

        return null;
    }

    /// <summary>
    /// The account's open jobs of this face, those that run before those that wait, the oldest first. Of its newest jobs as many are looked
    /// at as there are open ones among; an account without any costs one look at its row.
    /// </summary>
    private async Task<List<(JobRow Row, A1111Note Note)>> OpenAsync(Guid account, CancellationToken cancellationToken)
    {
        var open = new List<(JobRow Row, A1111Note Note)>();
        int left = await queries.OpenCountAsync(account, cancellationToken);
        JobId? after = null;
        for (int page = 0; left > 0 && page < MostPages; page++)
        {
            IReadOnlyList<JobRow> rows = await queries.ListAsync(
                new JobFilter
                {
                    AccountId = account,
                    After = after,
                    Limit = PageSize,
                },
                cancellationToken
            );
            foreach (JobRow row in rows.Where(row => !row.State.IsFinal()))
            {
                left--;
                if (!row.CancelRequested && A1111Note.Read(row.Metadata) is { } note)
                {
                    open.Add((row, note));
                }
            }

            if (rows.Count < PageSize)
            {
                break;
            }

            after = rows[^1].Id;
        }

        return
        [
            .. open.OrderBy(job => job.Row.State == JobState.Running ? 0 : 1)
                .ThenBy(job => job.Row.CreatedAt)
                .ThenBy(job => job.Note.Place),
        ];
    }

    private static JsonObject StateOf(Current? current)
    {
        JobProgress? progress = current?.Job.Progress;
        return new JsonObject
        {
            ["skipped"] = false,
            ["interrupted"] = false,
            ["stopping_generation"] = false,
            ["job"] = current is null
                ? ""
                : string.Create(CultureInfo.InvariantCulture, $"Batch {current.Done + 1} out of {current.Places}"),
            ["job_count"] = current?.Places ?? 0,
            ["job_timestamp"] = current is null
                ? "0"
                : current.Job.CreatedAt.UtcDateTime.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture),
            ["job_no"] = current?.Done ?? 0,
            ["sampling_step"] = progress?.Step ?? 0,
            ["sampling_steps"] = progress?.Steps ?? 0,
        };
    }

    private static string Waiting(JobDocument job) =>
        job.WaitingReason
        ?? (job.Position is { } position ? string.Create(CultureInfo.InvariantCulture, $"Waiting, {position} in line") : "Waiting");

    private static string TypeOf(byte[] picture) => Inputs.PictureHeader.Read(picture)?.ContentType ?? "image/jpeg";

    private static string KeyOf(JobId id) => $"a1111:unfinished:{id}";

    /// <summary>How far a call is.</summary>
    /// <param name="Job">The job that runs, or will run next.</param>
    /// <param name="Done">How many of its jobs have ended.</param>
    /// <param name="Places">How many it has.</param>
    private sealed record Current(JobDocument Job, int Done, int Places)
    {
        public double Share =>
            Math.Min(1, Begun + ((Done + (Job.Progress is { Steps: > 0 } progress ? (double)progress.Step / progress.Steps : 0)) / Places));
    }
}
