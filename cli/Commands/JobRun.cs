using System.Net;
using System.Text.Json.Nodes;
using Generation.Cli.Output;
using Generation.Client;
using Generation.Hosting;

namespace Generation.Cli.Commands;

/// <summary>A server, and where on this machine it can be looked into.</summary>
/// <param name="Url">Its address.</param>
/// <param name="KeyFile">The file with its first key; null for a server that this clone has not started.</param>
/// <param name="ApiLog">The API's log; null as above.</param>
/// <param name="WorkerLog">The first worker's log; null as above.</param>
internal sealed record ServerPlace(string Url, string? KeyFile = null, string? ApiLog = null, string? WorkerLog = null);

/// <summary>Submits, follows and saves jobs; what goes wrong is told with its step and with what to do.</summary>
internal sealed class JobRun(GenerationClient client, ServerPlace place)
{
    /// <summary>How long a job that nobody waits for any more may take to be cancelled.</summary>
    private static readonly TimeSpan CancelLimit = TimeSpan.FromSeconds(5);

    /// <exception cref="StepException">The API refused the job, or does not answer.</exception>
    public Task<Job> SubmitAsync(string kind, JsonObject request, CancellationToken token) =>
        CallAsync($"submit the job (POST /v1/{kind})", called => called.SubmitAsync(kind, request, null, token));

    /// <summary>Shows how far a job is, until it has succeeded. Where nobody waits any more the job is cancelled.</summary>
    /// <exception cref="StepException">The job did not succeed, or the API does not answer.</exception>
    public async Task<Job> FollowAsync(Job job, CancellationToken token)
    {
        string step = $"make the picture (job {job.Id})";
        try
        {
            job = await JobProgressBar.FollowAsync(client, job, token);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            using var limit = new CancellationTokenSource(CancelLimit);
            await client.CancelAsync(job.Id, limit.Token);
            throw;
        }
        catch (Exception e) when (IsSilence(e) || e is GenerationException)
        {
            throw new StepException(
                step,
                e.Message,
                place.ApiLog,
                $"The job goes on without this command: ./generation get {job.Id} fetches what it makes.",
                e
            );
        }

        return job.State == JobState.Succeeded
            ? job
            : throw new StepException(
                step,
                new JobException(job).Message,
                place.WorkerLog,
                place.WorkerLog is null
                    ? "Change what it names, and run the command again."
                    : "The worker's log has the job's id and the reason."
            );
    }

    /// <summary>Saves a job's outputs.</summary>
    /// <param name="job">One that has succeeded.</param>
    /// <param name="name">What the files are named after, where no place was asked for.</param>
    /// <param name="asked">The place that was asked for; null for none.</param>
    /// <param name="token">Ends the fetching.</param>
    /// <returns>The paths of the files.</returns>
    /// <exception cref="StepException">An output cannot be fetched, or not be written.</exception>
    public async Task<IReadOnlyList<string>> SaveAsync(Job job, string name, string? asked, CancellationToken token)
    {
        const string step = "save the picture";
        string kept = $"The result is kept: ./generation get {job.Id} -o FILE";
        var paths = new List<string>();
        try
        {
            foreach (JobOutput output in job.Outputs)
            {
                byte[] bytes = await client.ReadOutputAsync(output, token);
                paths.Add(await PictureFile.SaveAsync(asked ?? PictureFile.DefaultPath(name, output), bytes, token));
            }
        }
        catch (Exception e) when (IsSilence(e) || e is GenerationException or InvalidDataException)
        {
            throw new StepException(step, e.Message, place.ApiLog, kept, e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new StepException(step, e.Message, null, $"Name another place with --out. {kept}", e);
        }

        return paths;
    }

    /// <summary>A job that has succeeded; one that has not ended is waited for.</summary>
    /// <exception cref="StepException">There is no such job, it did not succeed, or the API does not answer.</exception>
    public async Task<Job> FinishedAsync(Guid id, CancellationToken token)
    {
        Job job = await CallAsync("find the job", called => called.JobAsync(id, token));
        if (!job.HasEnded)
        {
            job = await CallAsync("wait for the job", called => JobProgressBar.FollowAsync(called, job, token));
        }

        return job switch
        {
            { State: not JobState.Succeeded } => throw new StepException(
                "save what the job has made",
                new JobException(job).Message,
                null,
                "Make another: ./generation make."
            ),
            { OutputsDeletedAt: { } at } => throw new StepException(
                "save what the job has made",
                $"Its outputs were deleted at {at:u}.",
                null,
                "Make it again with the same seed."
            ),
            _ => job,
        };
    }

    /// <summary>A job as the API tells it, as JSON.</summary>
    /// <exception cref="StepException">There is no such job, or the API does not answer.</exception>
    public async Task<string> JsonAsync(Guid id, CancellationToken token) =>
        (await CallAsync("find the job", called => called.CallAsync(HttpMethod.Get, $"v1/jobs/{id}", null, token))).ToJsonString(
            GenerationClient.Json
        );

    /// <summary>Does a call whose failure is told as the others are.</summary>
    /// <exception cref="StepException">The API refused the call, or does not answer.</exception>
    public async Task<T> CallAsync<T>(string step, Func<GenerationClient, Task<T>> call)
    {
        try
        {
            return await call(client);
        }
        catch (GenerationException e)
        {
            throw new StepException(step, e.Message, null, AdviceOn(e), e);
        }
        catch (Exception e) when (IsSilence(e))
        {
            throw new StepException(
                step,
                e.Message,
                place.ApiLog,
                place.ApiLog is null
                    ? $"Is {place.Url} the right address, and does the server run?"
                    : "The log says why the API did not answer; ./generation status shows what runs.",
                e
            );
        }
    }

    /// <summary>Whether the server could not be heard.</summary>
    private static bool IsSilence(Exception e) => e is HttpRequestException or TimeoutException or HttpIOException;

    private string AdviceOn(GenerationException e) =>
        e.Status switch
        {
            HttpStatusCode.PaymentRequired => place.KeyFile is null
                ? "Ask who runs the server for credits."
                : "Give the account credits: POST /v1/admin/accounts/{id}/credits with the first key (GET /v1/account says the id).",
            HttpStatusCode.ServiceUnavailable when e.Code == "kind_unavailable" && place.KeyFile is not null =>
                "Install what the answer names: the worker finds it within seconds, and all else works without it.",
            HttpStatusCode.Unauthorized => place.KeyFile is { } file
                ? $"{file} does not hold a valid key; move it away, and ./generation up makes another."
                : "Give a valid key of that server in GENERATION_KEY or with --key.",
            HttpStatusCode.NotFound => "./generation jobs lists your jobs.",
            HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable => e.RetryAfter is { } wait
                ? $"Run the command again in {Math.Ceiling(wait.TotalSeconds):0} s."
                : "Run the command again in a while.",
            _ => "Change what the answer names, and run the command again.",
        };
}
