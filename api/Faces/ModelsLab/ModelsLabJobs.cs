using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Kinds;
using Generation.Api.Models;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Faces;
using Generation.Storage.Jobs;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>This face's calls about jobs: submit, fetch, delete.</summary>
internal sealed class ModelsLabJobs(
    ModelsLabTable table,
    ModelDirectory models,
    OwnPictures own,
    FaceCalls calls,
    JobIntake intake,
    JobStore jobs,
    JobQueries queries,
    JobWaiter waiter,
    ObjectNumbers numbers,
    ModelsLabAnswers answers
)
{
    private const int CancelRound = 100;

    /// <summary>Makes a job, and waits a while for its pictures.</summary>
    /// <exception cref="ProblemException">The call is refused.</exception>
    public async Task<JsonNode> SubmitAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        var names = new ModelsLabNames(table, await models.ModelsAsync(cancellationToken), await models.SchedulersAsync(cancellationToken));
        ModelsLabRequest request = await new ModelsLabBodies(call, table, names, own).ReadAsync(cancellationToken)
            ?? throw new ProblemException(
                404,
                "not_found",
                $"'{ErrorText.Shown(call.Dialect.Operation)}' is not available on this server."
            );
        // Its plan's limit holds for what this face submits
        call.Http.Features.Set(WithPlan(call.Caller));
        await using FaceCall blocking = await calls.BeginAsync(call.Http, call.Body, cancellationToken);
        JobId id = await blocking.SubmitAsync(0, request.Body, null, cancellationToken);
        if (request.Note.Webhook)
        {
            // Its client need not hear this answer: the job is not cancelled when it hangs up
            blocking.Answered();
        }

        if (call.Body.Flag("instant_response") != true)
        {
            await blocking.WaitAsync(id, TimeSpan.FromSeconds(table.WaitSeconds), cancellationToken);
        }

        JsonNode answer = await answers.SubmittedAsync(
            await JobAsync(id, call, cancellationToken),
            request.Note,
            call.Dialect,
            cancellationToken
        );
        if (!request.Note.Webhook)
        {
            blocking.Answered();
        }

        return answer;
    }

    /// <summary>A job by its number (or id), in the path or as request_id.</summary>
    /// <exception cref="ProblemException">There is no such job.</exception>
    public async Task<JsonNode> FetchAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        JobRow job = await NamedJobAsync(call, cancellationToken);
        return await answers.FetchedAsync(job, NoteOf(job, call), call.Dialect, cancellationToken);
    }

    /// <summary>Forgets a job's outputs; a job that is not done is cancelled.</summary>
    /// <exception cref="ProblemException">There is no such job.</exception>
    public async Task<JsonNode> DeleteAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        JobRow job = await NamedJobAsync(call, cancellationToken);
        if (!job.State.IsFinal())
        {
            await jobs.CancelAsync(job.Id, call.Caller.AccountId, cancellationToken);
        }
        else
        {
            await jobs.DeleteOutputsAsync(job.Id, call.Caller.AccountId, cancellationToken);
        }

        return ModelsLabAnswers.Done($"{(KindTable.Of(job.Kind).MakesClips ? "video" : "image")} deleted");
    }

    /// <summary>Cancels all of the account's jobs that wait.</summary>
    public async Task<JsonNode> ClearQueueAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        int cancelled = 0;
        JobId? after = null;
        IReadOnlyList<JobRow> round;
        do
        {
            round = await queries.ListAsync(
                new JobFilter
                {
                    AccountId = call.Caller.AccountId,
                    State = JobState.Queued,
                    Limit = CancelRound,
                    After = after,
                },
                cancellationToken
            );
            foreach (JobRow job in round)
            {
                CancelResult result = await jobs.CancelAsync(job.Id, call.Caller.AccountId, cancellationToken);
                cancelled += result.Outcome == CancelOutcome.Cancelled ? 1 : 0;
                after = job.Id;
            }
        } while (round.Count == CancelRound);

        return ModelsLabAnswers.Done($"Queue cleared: {cancelled} requests were cancelled");
    }

    /// <summary>
    /// Whether a picture is fit for all: it is enlarged by a model that has a safety checker, which says so, and the
    /// enlarged picture is forgotten.
    /// </summary>
    /// <exception cref="ProblemException">No model has a checker, or the picture cannot be read.</exception>
    public async Task<JsonNode> CheckPictureAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        call.Fields["image"] = "init_image";
        PictureSource picture = call.Body.Picture("init_image", "image") ?? throw Required("init_image");
        IReadOnlyDictionary<string, ModelEntry> catalogue = await models.ModelsAsync(cancellationToken);
        ModelEntry[] checkers = [.. catalogue.Values.Where(m => m.SafetyChecker is not null).OrderBy(m => m.Name, StringComparer.Ordinal)];
        PictureSource source = await own.ResolveAsync(picture, call.Caller.AccountId, cancellationToken);
        JobBody body =
            checkers.FirstOrDefault(m => m.Kinds.Contains(JobKind.SuperResolution)) is { } upscaler
                ? new SuperResolutionBody
                {
                    Image = source,
                    Model = upscaler.Name,
                    Scale = 2,
                    Safety = "flag",
                }
            : checkers.FirstOrDefault(m => m.Kinds.Contains(JobKind.Img2Img)) is { } model
                ? new Img2ImgBody
                {
                    Image = source,
                    Model = model.Name,
                    Prompt = "a picture",
                    NumInferenceSteps = 40,
                    Strength = 0.03,
                    Seed = 0,
                    Safety = "flag",
                }
            : throw new ProblemException(
                404,
                "no_checker",
                "nsfw_image_check is not available on this server: none of its models has a safety checker."
            );
        JobAnswer answer = await intake.SubmitAsync(
            WithPlan(call.Caller),
            body,
            new Preferences(null, null),
            null,
            new FieldErrors(),
            call.Share,
            price: null,
            cancellationToken
        );
        call.Share.Release();
        await waiter.WaitForEndAsync(answer.Id, call.Caller.AccountId, TimeSpan.FromSeconds(table.CheckSeconds), cancellationToken);
        JobRow job = await JobAsync(answer.Id, call, cancellationToken);
        if (job.State != JobState.Succeeded)
        {
            await jobs.CancelAsync(job.Id, call.Caller.AccountId, CancellationToken.None);
            throw new ProblemException(503, "check_failed", job.Error?.Detail ?? "The picture could not be looked at in time.");
        }

        await jobs.DeleteOutputsAsync(job.Id, call.Caller.AccountId, cancellationToken);
        return new JsonObject
        {
            ["status"] = "success",
            ["images"] = picture.Text?.StartsWith("http", StringComparison.OrdinalIgnoreCase) == true ? picture.Text : "",
            ["has_nsfw_concept"] = new JsonArray([.. job.Outputs.Select(o => (JsonNode)(o.Nsfw == true))]),
        };
    }

    private async Task<JobRow> JobAsync(JobId id, ModelsLabCall call, CancellationToken cancellationToken) =>
        await jobs.FindAsync(id, call.Caller.AccountId, cancellationToken) ?? throw NoJob(id.ToString());

    private async Task<JobRow> NamedJobAsync(ModelsLabCall call, CancellationToken cancellationToken)
    {
        string name = call.Dialect.Id ?? call.Body.Text("request_id", "id") ?? throw Required("request_id");
        Guid? id =
            long.TryParse(name, out long number) ? await numbers.FindAsync(number, cancellationToken)
            : Guid.TryParse(name, out Guid given) ? given
            : null;
        return id is { } known
            ? await jobs.FindAsync(new JobId(known), call.Caller.AccountId, cancellationToken) ?? throw NoJob(name)
            : throw NoJob(name);
    }

    /// <summary>The job's own note; for a job that was made otherwise, one of the present call.</summary>
    private static ModelsLabNote NoteOf(JobRow job, ModelsLabCall call) =>
        ModelsLabNote.Of(job)
        ?? new ModelsLabNote
        {
            Base = call.Base,
            Version = call.Dialect.Version,
            Group = call.Dialect.Group,
            Operation = job.Kind.WireName().Replace('-', '_'),
            Base64 = call.Body.Flag("base64") == true,
        };

    /// <summary>The caller with the plan's limit of waiting jobs, where the account has none of its own.</summary>
    private Caller WithPlan(Caller caller)
    {
        if (table.QueueLimitOf(caller.AccountName) is not { } limit)
        {
            return caller;
        }

        JsonObject limits = caller.Limits is { } own ? JsonNode.Parse(own)!.AsObject() : [];
        return limits.TryAdd("queued_jobs", limit) ? caller with { Limits = limits.ToJsonString() } : caller;
    }

    private static ProblemException Required(string field) =>
        new(422, "invalid_request", $"{field}: is required.", new Dictionary<string, string[]> { [field] = ["is required"] });

    private static ProblemException NoJob(string name) => new(404, "job_not_found", $"Request not found: {ErrorText.Shown(name)}");
}
