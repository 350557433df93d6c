using Generation.Storage.Results;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace Generation.Api.Web;

/// <summary>Answers every error with a problem document, whatever its cause.</summary>
internal static class Problems
{
    public static WebApplication UseProblems(this WebApplication app)
    {
        app.UseExceptionHandler(
            new ExceptionHandlerOptions
            {
                ExceptionHandler = http => AnswerAsync(http, http.Features.Get<IExceptionHandlerFeature>()!.Error),
                // What is ours is logged below, once; what is the caller's is not an error here
                SuppressDiagnosticsCallback = _ => true,
                // Also where an answer without a body has not begun yet
                AllowStatusCode404Response = true,
            }
        );
        app.UseStatusCodePages(context => context.HttpContext.WriteProblemAsync(OfStatus(context.HttpContext)));
        return app;
    }

    /// <summary>Declares in the API's description with which statuses a route refuses requests.</summary>
    public static RouteHandlerBuilder ProducesProblems(this RouteHandlerBuilder route, params int[] statuses)
    {
        foreach (int status in statuses)
        {
            route.Produces<Problem>(status, Problem.ContentType);
        }

        return route;
    }

    private static async Task AnswerAsync(HttpContext http, Exception error)
    {
        ILogger logger = http.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("Generation.Api.Problems");
        switch (error)
        {
            case ProblemException e:
                await http.WriteProblemAsync(e.Problem, e.RetryAfterSeconds);
                break;
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                await http.WriteProblemAsync(Problem.Of(413, "body_too_large", "The body is larger than this call takes."));
                break;
            case BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout }:
                await http.WriteProblemAsync(Problem.Of(408, "body_too_slow", "The body came too slowly. Nothing was done."));
                break;
            case BadHttpRequestException e:
                await http.WriteProblemAsync(Problem.Of(e.StatusCode, "bad_request", e.Message));
                break;
            case OperationCanceledException or IOException when http.RequestAborted.IsCancellationRequested:
                http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
                break;
            case ResultsStoreException:
                ApiLog.ResultsUnavailable(logger, error.Message);
                await http.WriteProblemAsync(
                    Problem.Of(
                        503,
                        "results_unavailable",
                        "Pictures can neither be stored nor read at present. Nothing was done; try again later."
                    ),
                    10
                );
                break;
            case NpgsqlException { IsTransient: true }
            or NpgsqlException { InnerException: TimeoutException or IOException }
            or PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CannotConnectNow }:
                ApiLog.DatabaseUnavailable(logger, error.Message);
                await http.WriteProblemAsync(
                    Problem.Of(503, "database_unavailable", "The database does not answer. Nothing was done; try again."),
                    1
                );
                break;
            default:
                ApiLog.RequestFailed(logger, error, http.TraceIdentifier);
                await http.WriteProblemAsync(
                    Problem.Of(500, "internal_error", "Something went wrong on our side; the log has it under this trace_id.") with
                    {
                        TraceId = http.TraceIdentifier,
                    }
                );
                break;
        }
    }

    private static Problem OfStatus(HttpContext http)
    {
        string path = http.Request.Path;
        return http.Response.StatusCode switch
        {
            404 => Problem.Of(404, "not_found", $"There is nothing at {http.Request.Method} {path}; /docs lists what there is."),
            405 => Problem.Of(405, "method_not_allowed", $"{path} takes {http.Response.Headers.Allow}, not {http.Request.Method}."),
            415 => Problem.Of(
                415,
                "unsupported_content_type",
                $"{path} does not take '{http.Request.ContentType}'; send JSON with 'Content-Type: application/json'."
            ),
            int status => Problem.Of(status, $"http_{status}", $"{http.Request.Method} {path} was refused."),
        };
    }
}
