using System.Net;

namespace Generation.Client;

/// <summary>The server refused a call. The message says why, and for each field at fault what is wrong with it.</summary>
public sealed class GenerationException : Exception
{
    internal GenerationException(HttpStatusCode status, string message, Problem? problem, TimeSpan? retryAfter)
        : base(message)
    {
        Status = status;
        Problem = problem;
        RetryAfter = retryAfter;
    }

    /// <summary>The status of the answer.</summary>
    public HttpStatusCode Status { get; }

    /// <summary>The answer; null where it is not this server's, but a proxy's before it, say.</summary>
    public Problem? Problem { get; }

    /// <summary>The stable name of the kind of error, such as invalid_request or insufficient_credits.</summary>
    public string? Code => Problem?.Code;

    /// <summary>After how long the same call may succeed, where the server says so.</summary>
    public TimeSpan? RetryAfter { get; }
}

/// <summary>A job ended, and not with what it was to make.</summary>
public sealed class JobException : Exception
{
    /// <param name="job">The job as it ended.</param>
    public JobException(Job job)
        : base(
            job.Error is { } error ? $"{error.Code}: {error.Detail}" : $"The job {job.Id} is {job.State.ToString().ToLowerInvariant()}."
        ) => Job = job;

    /// <summary>The job as it ended.</summary>
    public Job Job { get; }
}
