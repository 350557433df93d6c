using System.Text.Json;
using Generation.Contracts;

namespace Generation.Api.Web;

/// <summary>An error as RFC 9457 has it. Programs go by <paramref name="Code"/>, which never changes; people read the rest.</summary>
/// <param name="Type">A URN of the code.</param>
/// <param name="Title">The kind of error, in words.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">Stable name of the kind of error.</param>
/// <param name="Detail">What happened this time, and what to do about it.</param>
/// <param name="Errors">For each field at fault, what is wrong with it; of many errors the first.</param>
/// <param name="MoreErrors">How many errors more there are than are listed; absent where all are.</param>
/// <param name="Limit">Name of the account's limit that was exceeded; null where none was.</param>
/// <param name="TraceId">Names this request in the logs, where the fault is ours.</param>
public sealed record Problem(
    string Type,
    string Title,
    int Status,
    string Code,
    string Detail,
    IReadOnlyDictionary<string, string[]>? Errors = null,
    string? TraceId = null,
    string? Limit = null,
    int? MoreErrors = null
)
{
    public const string ContentType = "application/problem+json";

    public static Problem Of(int status, string code, string detail, IReadOnlyDictionary<string, string[]>? errors = null) =>
        new($"urn:generation:problem:{code}", TitleOf(status, code), status, code, detail, errors);

    /// <summary>The sentence that says how many errors are not listed.</summary>
    public static string AndMore(int count) => $"And {count} more.";

    private static string TitleOf(int status, string code) =>
        status switch
        {
            StatusCodes.Status400BadRequest => "The request cannot be read",
            StatusCodes.Status401Unauthorized => "A valid key is needed",
            StatusCodes.Status402PaymentRequired => "Not enough credits",
            StatusCodes.Status403Forbidden => "The key does not allow this",
            StatusCodes.Status404NotFound => "Not found",
            StatusCodes.Status405MethodNotAllowed => "Not this method",
            StatusCodes.Status408RequestTimeout => "The body came too slowly",
            StatusCodes.Status409Conflict => "Not in the present state",
            StatusCodes.Status410Gone => "No longer there",
            StatusCodes.Status413PayloadTooLarge => "The request is too large",
            StatusCodes.Status415UnsupportedMediaType => "Not this content type",
            StatusCodes.Status422UnprocessableEntity => "The request asks for something that cannot be done",
            StatusCodes.Status429TooManyRequests => "Too much at once",
            StatusCodes.Status503ServiceUnavailable => "Try again in a moment",
            _ => code.Replace('_', ' '),
        };
}

/// <summary>Ends a request with a problem document. It may be thrown wherever the fault is found.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public ProblemException(int status, string code, string detail, IReadOnlyDictionary<string, string[]>? errors = null)
        : this(Problem.Of(status, code, detail, errors)) { }

    public Problem Problem { get; } = problem;

    /// <summary>Seconds after which to try again, for the Retry-After header.</summary>
    public int? RetryAfterSeconds { get; init; }
}

/// <summary>
/// A feature of requests whose clients expect errors in another form than problem documents. Status, Retry-After and
/// Cache-Control are set before it is called, and may be changed by it.
/// </summary>
public interface IProblemShape
{
    public Task WriteAsync(HttpContext http, Problem problem);
}

/// <summary>Writes problem documents.</summary>
public static class ProblemWriting
{
    public static async Task WriteProblemAsync(this HttpContext http, Problem problem, int? retryAfterSeconds = null)
    {
        http.Response.StatusCode = problem.Status;
        http.Response.Headers.CacheControl = "no-store";
        if (
            problem.Status is StatusCodes.Status413PayloadTooLarge or StatusCodes.Status408RequestTimeout
            && HttpProtocol.IsHttp11(http.Request.Protocol)
        )
        {
            // The rest of the body is not read: no further request can come behind it
            http.Response.Headers.Connection = "close";
        }

        if (retryAfterSeconds is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString();
        }

        if (http.Features.Get<IProblemShape>() is { } shape)
        {
            await shape.WriteAsync(http, problem);
            return;
        }

        http.Response.ContentType = Problem.ContentType;
        await JsonSerializer.SerializeAsync(http.Response.Body, problem, WireJson.Options, http.RequestAborted);
    }
}
