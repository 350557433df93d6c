using System.Collections.Concurrent;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Npgsql;

namespace Generation.Api.Jobs;

/// <summary>
/// Ends answers in the making that may not go on, within a second: those to a caller whose key was revoked (streams of events, waits,
/// downloads), and downloads of outputs that were deleted, whoever fetches them.
/// </summary>
internal sealed class OpenAnswers(ApiKeyStore keys, JobQueries jobs, TimeProvider time, ILogger<OpenAnswers> logger) : BackgroundService
{
    /// <summary>How often the database is asked whether answers that are still being sent may go on.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(0.3);

    private readonly ConcurrentDictionary<OpenAnswer, bool> _open = [];

    /// <summary>How many downloads are under way.</summary>
    public int Downloads => _open.Keys.Count(answer => answer.Job is not null);

    /// <summary>Registers an answer that ends when the caller's key is revoked; dispose it with the answer.</summary>
    public OpenAnswer EndWithKey(HttpContext http, Caller caller) => Open(http, caller.KeyId, job: null);

    /// <summary>Lets an answer that sends a job's output end when that output is deleted.</summary>
    public void EndWithOutputs(HttpContext http, JobId job) => http.Response.RegisterForDispose(Open(http, key: null, job));

    internal void Close(OpenAnswer answer) => _open.TryRemove(answer, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        bool failing = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Look, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                OpenAnswer[] lasting = [.. _open.Keys.Where(answer => time.GetElapsedTime(answer.Since) >= Look)];
                Guid[] asked = [.. lasting.Select(answer => answer.Key).OfType<Guid>().Distinct()];
                IReadOnlySet<Guid> voided = asked.Length == 0 ? new HashSet<Guid>() : await keys.FindVoidAsync(asked, stoppingToken);
                JobId[] given = [.. lasting.Select(answer => answer.Job).OfType<JobId>().Distinct()];
                IReadOnlySet<JobId> gone = given.Length == 0 ? new HashSet<JobId>() : await jobs.WithoutOutputsAsync(given, stoppingToken);
                foreach (OpenAnswer answer in lasting)
                {
                    if ((answer.Key is { } key && voided.Contains(key)) || (answer.Job is { } job && gone.Contains(job)))
                    {
                        answer.End();
                    }
                }

                failing = false;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // While the database is away nothing can be revoked or deleted either
                if (!failing || e is not NpgsqlException)
                {
                    ApiLog.LoopFailed(logger, e, "Looking after answers in the making", Look.TotalSeconds);
                }

                failing = true;
            }
            catch (OperationCanceledException)
            {
                // The program ends
            }
        }
    }

    private OpenAnswer Open(HttpContext http, Guid? key, JobId? job)
    {
        var answer = new OpenAnswer(this, http, key, job, time.GetTimestamp());
        _open[answer] = true;
        return answer;
    }
}

/// <summary>An answer that is being sent. Its token, which is the request's, is cancelled when it may not go on.</summary>
internal sealed class OpenAnswer : IDisposable
{
    private readonly OpenAnswers _all;
    private readonly HttpContext _http;
    private readonly CancellationToken _before;
    private readonly CancellationTokenSource _end;
    private readonly CancellationToken _token;
    private volatile bool _isEnded;

    public OpenAnswer(OpenAnswers all, HttpContext http, Guid? key, JobId? job, long since)
    {
        (_all, _http, Key, Job, Since) = (all, http, key, job, since);
        _before = http.RequestAborted;
        _end = CancellationTokenSource.CreateLinkedTokenSource(_before);
        _token = _end.Token;
        http.RequestAborted = _token;
    }

    /// <summary>The key whose revocation ends it.</summary>
    public Guid? Key { get; }

    /// <summary>The job whose deletion ends it.</summary>
    public JobId? Job { get; }

    public long Since { get; }

    /// <summary>Whether it was ended because it may not go on.</summary>
    public bool IsEnded => _isEnded;

    public void End()
    {
        _isEnded = true;
        try
        {
            _end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself
        }
    }

    public void Dispose()
    {
        _all.Close(this);
        if (_http.RequestAborted == _token)
        {
            _http.RequestAborted = _before;
        }

        _end.Dispose();
    }
}

/// <summary>Ends every answer to a caller when the caller's key is revoked.</summary>
internal sealed class OpenAnswersMiddleware(RequestDelegate next, OpenAnswers answers)
{
    public Task InvokeAsync(HttpContext http) => http.Features.Get<Caller>() is { } caller ? EndWithKeyAsync(http, caller) : next(http);

    private async Task EndWithKeyAsync(HttpContext http, Caller caller)
    {
        using OpenAnswer answer = answers.EndWithKey(http, caller);
        try
        {
            await next(http);
        }
        catch (OperationCanceledException) when (answer.IsEnded && !http.Response.HasStarted)
        {
            throw new ProblemException(401, "key_invalid", "This key has expired or was revoked while the answer was awaited.");
        }
        catch (OperationCanceledException) when (answer.IsEnded)
        {
            // A stream of events may end anywhere; of all else it must be seen that it is not whole
            if (http.Response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) != true)
            {
                http.Abort();
            }
        }
    }
}
