using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;

namespace Generation.Api.Faces.Shared;

/// <summary>
/// A blocking call of a client, with the jobs that answer it. No thread waits with it. When its client hangs up the jobs
/// are cancelled (Faces:CancelOnDisconnect); when the API stops they go on, and the same call made again gets them.
/// </summary>
internal sealed class FaceCall(
    FaceCalls calls,
    HttpContext http,
    Caller caller,
    byte[] fingerprint,
    string request,
    string? key,
    string id,
    Dictionary<int, JobId> jobs
) : IAsyncDisposable
{
    private bool _isAnswered;

    public HttpContext Http => http;

    public Caller Caller => caller;

    /// <summary>Hash of account and request.</summary>
    public string Request => request;

    public string Id => id;

    /// <summary>Whether the call is kept for a repeated one; with an Idempotency-Key, that does it.</summary>
    public bool IsKept => key is null;

    /// <summary>
    /// Whether its jobs go on when its client hangs up: so where the client gave the call a name, by which it can ask for the same again.
    /// </summary>
    public bool GoesOn { get; set; }

    public IReadOnlyCollection<JobId> Jobs => jobs.Values;

    /// <summary>Submits the job at a place of this call, unless the call made before has done so already.</summary>
    /// <param name="place">Place among the call's jobs, from 0.</param>
    /// <param name="body">The job.</param>
    /// <param name="price">The job's price, where the face has a tariff of its own; null: as configured.</param>
    /// <param name="cancellationToken">Ends the submission.</param>
    public async Task<JobId> SubmitAsync(int place, JobBody body, Func<CheckedRequest, Credits>? price, CancellationToken cancellationToken)
    {
        if (jobs.TryGetValue(place, out JobId known))
        {
            return known;
        }

        JobId job;
        try
        {
            job = await calls.SubmitAsync(http, body, fingerprint, place, price, cancellationToken);
        }
        catch (ProblemException) when (jobs.Count > 0)
        {
            await CancelAsync();
            throw;
        }

        jobs[place] = job;
        if (IsKept)
        {
            await calls.AddAsync(this, place, job, cancellationToken);
        }

        return job;
    }

    /// <summary>Waits for the end of one of the call's jobs.</summary>
    /// <exception cref="ProblemException">The job did not succeed, or was not done in time.</exception>
    public Task<JobDocument> EndAsync(JobId job, CancellationToken cancellationToken) => calls.EndAsync(this, job, null, cancellationToken);

    /// <summary>As above, for a service that waits no longer than <paramref name="limit"/>.</summary>
    /// <exception cref="ProblemException">The job did not succeed, or was not done in time.</exception>
    public Task<JobDocument> EndAsync(JobId job, TimeSpan limit, CancellationToken cancellationToken) =>
        calls.EndAsync(this, job, limit, cancellationToken);

    /// <summary>Waits for the end of one of the call's jobs, whichever that is.</summary>
    /// <exception cref="ProblemException">The job was not done in time.</exception>
    public Task<JobDocument> EndedAsync(JobId job, CancellationToken cancellationToken) =>
        calls.EndedAsync(this, job, null, cancellationToken);

    /// <summary>A job that has ended, if it has succeeded.</summary>
    /// <exception cref="ProblemException">It has not; the rest of the call is cancelled.</exception>
    public Task<JobDocument> SucceededAsync(JobDocument job) => calls.SucceededAsync(this, job);

    /// <summary>Waits for a job's end as long as <paramref name="limit"/>, or until the API stops; returns whether it has ended.</summary>
    public Task<bool> WaitAsync(JobId job, TimeSpan limit, CancellationToken cancellationToken) =>
        calls.WaitAsync(this, job, limit, cancellationToken);

    /// <summary>Submits a job and waits for its end.</summary>
    /// <exception cref="ProblemException">The job was refused, did not succeed, or was not done in time.</exception>
    public async Task<JobDocument> RunAsync(
        int place,
        JobBody body,
        Func<CheckedRequest, Credits>? price,
        CancellationToken cancellationToken
    ) => await EndAsync(await SubmitAsync(place, body, price, cancellationToken), cancellationToken);

    /// <summary>The answer is being written; once all of it has gone out, the call is forgotten.</summary>
    public void Answered()
    {
        _isAnswered = true;
        if (!IsKept)
        {
            return;
        }

        http.Response.OnCompleted(() => http.RequestAborted.IsCancellationRequested ? calls.LeaveAsync(this) : calls.ForgetAsync(this));
    }

    /// <summary>Cancels all that this call has begun.</summary>
    public Task CancelAsync() => calls.CancelAsync(this);

    public async ValueTask DisposeAsync()
    {
        if (!_isAnswered && jobs.Count > 0)
        {
            await calls.AbandonAsync(this);
        }
    }
}
