using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Generation.Contracts;

namespace Generation.Storm;

/// <summary>
/// Clients as careful ones are: each submits a job with an Idempotency-Key until it is acknowledged, polls until it has ended, and fetches
/// what it made. Some cancel. What contradicts what they know already is a complaint.
/// </summary>
internal sealed class StormLoad : IDisposable
{
    /// <summary>One of so many jobs is cancelled as soon as it is acknowledged.</summary>
    private const int CancelOneOf = 50;

    private const int MaxComplaints = 50;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>A job that has not ended so long after the last fault is stuck.</summary>
    private static readonly TimeSpan StuckAfter = TimeSpan.FromMinutes(10);

    private readonly HttpClient _http;
    private readonly string _run = Guid.NewGuid().ToString("N");
    private readonly SemaphoreSlim _allowed = new(0);
    private readonly CancellationTokenSource _stuck = new();
    private readonly ConcurrentDictionary<int, StormJob> _jobs = new();
    private readonly ConcurrentQueue<string> _complaints = new();
    private int _jobsInAll = int.MaxValue;
    private int _allowedJobs;
    private int _clients;
    private int _next;
    private int _ended;
    private long _lost;
    private long _wrongOutputs;
    private long _outputs;
    private long _contradictions;

    public StormLoad(Uri address, string key)
    {
        _http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(15) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>How many jobs were begun.</summary>
    public int Begun => Volatile.Read(ref _next);

    /// <summary>How many jobs have ended.</summary>
    public int Ended => Volatile.Read(ref _ended);

    public long Lost => Interlocked.Read(ref _lost);

    public long WrongOutputs => Interlocked.Read(ref _wrongOutputs);

    public long Outputs => Interlocked.Read(ref _outputs);

    public long Contradictions => Interlocked.Read(ref _contradictions);

    public IReadOnlyCollection<string> Complaints => _complaints;

    public IReadOnlyCollection<StormJob> Jobs => [.. _jobs.Values];

    /// <summary>The newest jobs that were acknowledged.</summary>
    public IReadOnlyList<JobId> Newest(int count)
    {
        int next = Begun;
        return
        [
            .. Enumerable.Range(0, next).Reverse().Select(k => _jobs.GetValueOrDefault(k)).OfType<StormJob>().Take(count).Select(j => j.Id),
        ];
    }

    /// <summary>Lets so many jobs more be submitted.</summary>
    public void Allow(int jobs)
    {
        _allowedJobs += jobs;
        _allowed.Release(jobs);
    }

    /// <summary>There are no faults any more, and so many jobs in all: what does not end now is stuck.</summary>
    public void End(int jobs)
    {
        Volatile.Write(ref _jobsInAll, jobs);
        // One more for each client tells it to go
        _allowed.Release(Math.Max(0, jobs - _allowedJobs) + _clients);
        _stuck.CancelAfter(StuckAfter);
    }

    /// <summary>Takes jobs through their lives, as far as they are allowed, until <see cref="End"/>.</summary>
    /// <param name="clients">How many at a time.</param>
    /// <param name="token">Ends it.</param>
    public Task RunAsync(int clients, CancellationToken token)
    {
        _clients = clients;
        return Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(() => ClientAsync(token), token)));
    }

    /// <summary>Makes a job's request once more and compares what it makes: the same picture, byte for byte.</summary>
    public async Task CompareAsync(StormJob job, CancellationToken token)
    {
        JobId again = await SubmitAsync(job.Number, $"{_run}-again-{job.Number}", token);
        JobDocument document = await EndAsync(again, job.Number, token);
        if (document.Outputs.Count != 1 || document.Outputs[0].Sha256 != job.Sha256)
        {
            Interlocked.Increment(ref _wrongOutputs);
            Complain($"job {job.Id}: the same request makes another picture afterwards");
        }
    }

    /// <summary>One poll, as it is answered now; null where it is not.</summary>
    public async Task<JobState?> PollAsync(JobId id, CancellationToken token)
    {
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(new Uri($"/v1/jobs/{id}", UriKind.Relative), token);
            return answer.IsSuccessStatusCode ? (await ReadAsync(answer, token)).State : null;
        }
        catch (Exception e) when (IsAway(e, token))
        {
            return null;
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _allowed.Dispose();
        _stuck.Dispose();
    }

    private async Task ClientAsync(CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token, _stuck.Token);
        while (true)
        {
            await _allowed.WaitAsync(token);
            int number = Interlocked.Increment(ref _next) - 1;
            if (number >= Volatile.Read(ref _jobsInAll))
            {
                return;
            }

            try
            {
                await LiveAsync(number, limit.Token);
            }
            catch (OperationCanceledException) when (!token.IsCancellationRequested)
            {
                Complain($"job {number} ({_jobs.GetValueOrDefault(number)?.Id}) did not end");
            }
            catch (LostException e)
            {
                Interlocked.Increment(ref _lost);
                Complain(e.Message);
            }

            Interlocked.Increment(ref _ended);
        }
    }

    private async Task LiveAsync(int number, CancellationToken token)
    {
        JobId id = await SubmitAsync(number, $"{_run}-{number}", token);
        _jobs[number] = new StormJob(number, id, null, null);
        bool isCancelled = number % CancelOneOf == CancelOneOf - 1;
        if (isCancelled)
        {
            await CancelAsync(id, token);
        }

        JobDocument job = await EndAsync(id, number, token);
        _jobs[number] = new StormJob(number, id, job.State, job.Outputs.Count == 1 ? job.Outputs[0].Sha256 : null);
        if (job.State == JobState.Succeeded)
        {
            await FetchAsync(job, token);
        }
        else if (job.State != JobState.Cancelled || !isCancelled)
        {
            Complain($"job {id} ended {job.State}: {job.Error?.Code} {job.Error?.Detail}");
        }
    }

    private async Task<JobId> SubmitAsync(int number, string key, CancellationToken token)
    {
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/v1/text2img", UriKind.Relative));
            request.Headers.Add("Idempotency-Key", key);
            request.Content = JsonContent.Create(
                new
                {
                    prompt = "a red apple",
                    model = StormStack.Model,
                    seed = number,
                    output_format = "jpg",
                    metadata = new { storm = key },
                }
            );
            if (
                await AnswerAsync(request, "a submission", token) is { } answer
                && answer is { StatusCode: HttpStatusCode.Accepted or HttpStatusCode.OK, Job: { } job }
            )
            {
                return job.Id;
            }

            await Task.Delay(Pause, token);
        }
    }

    private async Task CancelAsync(JobId id, CancellationToken token)
    {
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Delete, new Uri($"/v1/jobs/{id}", UriKind.Relative));
            // 409: it has ended already
            if (
                await AnswerAsync(request, "a cancellation", token) is { StatusCode: < HttpStatusCode.Ambiguous or HttpStatusCode.Conflict }
            )
            {
                return;
            }

            await Task.Delay(Pause, token);
        }
    }

    private async Task<JobDocument> EndAsync(JobId id, int number, CancellationToken token)
    {
        TimeSpan pause = Pause;
        while (true)
        {
            await Task.Delay(pause, token);
            pause = pause * 1.3 < LongestPause ? pause * 1.3 : LongestPause;
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"/v1/jobs/{id}", UriKind.Relative));
            switch (await AnswerAsync(request, "a poll", token))
            {
                case { StatusCode: HttpStatusCode.NotFound or HttpStatusCode.Gone }:
                    throw new LostException($"job {number} ({id}) was acknowledged, and a poll does not find it");
                case { Job: { } job } when job.State.IsFinal():
                    return job;
            }
        }
    }

    private async Task FetchAsync(JobDocument job, CancellationToken token)
    {
        if (job.Outputs.Count != 1)
        {
            Interlocked.Increment(ref _wrongOutputs);
            Complain($"job {job.Id} succeeded with {job.Outputs.Count} outputs");
            return;
        }

        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await _http.GetAsync(new Uri(job.Outputs[0].Url, UriKind.Relative), token);
                if (answer.IsSuccessStatusCode)
                {
                    byte[] file = await answer.Content.ReadAsByteArrayAsync(token);
                    Interlocked.Increment(ref _outputs);
                    if (Convert.ToHexStringLower(SHA256.HashData(file)) != job.Outputs[0].Sha256)
                    {
                        Interlocked.Increment(ref _wrongOutputs);
                        Complain($"job {job.Id}: its output's file has another hash");
                    }

                    return;
                }

                if (answer.StatusCode < HttpStatusCode.InternalServerError)
                {
                    Interlocked.Increment(ref _wrongOutputs);
                    Complain($"job {job.Id}: its output is answered with {(int)answer.StatusCode}");
                    return;
                }
            }
            catch (Exception e) when (IsAway(e, token))
            {
                // Again
            }

            await Task.Delay(Pause, token);
        }
    }

    /// <summary>An answer, with its job where it has one; null where there was none, or one that says to try again.</summary>
    private async Task<(HttpStatusCode StatusCode, JobDocument? Job)?> AnswerAsync(
        HttpRequestMessage request,
        string what,
        CancellationToken token
    )
    {
        try
        {
            using HttpResponseMessage answer = await _http.SendAsync(request, token);
            switch (answer.StatusCode)
            {
                case < HttpStatusCode.Ambiguous:
                    return (answer.StatusCode, answer.StatusCode == HttpStatusCode.NoContent ? null : await ReadAsync(answer, token));
                case HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests:
                    return null;
                case HttpStatusCode.Conflict or HttpStatusCode.NotFound or HttpStatusCode.Gone:
                    return (answer.StatusCode, null);
                default:
                    Interlocked.Increment(ref _contradictions);
                    string body = await answer.Content.ReadAsStringAsync(token);
                    string told = $"{what} was answered with {(int)answer.StatusCode}: {body[..Math.Min(body.Length, 300)]}";
                    if (answer.StatusCode < HttpStatusCode.InternalServerError)
                    {
                        throw new LostException(told);
                    }

                    Complain(told);
                    return null;
            }
        }
        catch (Exception e) when (IsAway(e, token))
        {
            return null;
        }
    }

    private static async Task<JobDocument> ReadAsync(HttpResponseMessage answer, CancellationToken token) =>
        (await answer.Content.ReadFromJsonAsync<JobDocument>(WireJson.Options, token))!;

    private static bool IsAway(Exception e, CancellationToken token) =>
        e is HttpRequestException or IOException || (e is OperationCanceledException && !token.IsCancellationRequested);

    private void Complain(string what)
    {
        if (_complaints.Count < MaxComplaints)
        {
            _complaints.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss} {what}"));
        }
    }

    private sealed class LostException(string message) : Exception(message);
}

/// <summary>A job that was acknowledged.</summary>
/// <param name="Number">Its number in the storm, which is its seed.</param>
/// <param name="Id">Its id.</param>
/// <param name="State">The state in which it ended; null where it has not.</param>
/// <param name="Sha256">The hash of its output; null where it has none.</param>
internal sealed record StormJob(int Number, JobId Id, JobState? State, string? Sha256);
