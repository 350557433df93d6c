using System.Text.Json.Nodes;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.Stablecog;

/// <summary>The settings of a request's answer, once they are known: errors after that repeat them.</summary>
internal sealed class StablecogSettings
{
    public JsonObject? Known { get; set; }
}

/// <summary>Errors as the service words them: {error}, some with a description, some with the settings.</summary>
internal static class StablecogErrors
{
    private const string Own = "stablecog";

    /// <summary>An error of the service's own words.</summary>
    public static ProblemException Error(int status, string error, string? description = null) =>
        new(new Problem($"urn:generation:problem:{Own}", error, status, Own, description ?? ""));

    public static ProblemException ParseError() => Error(400, "json_parse_error");

    public static async Task WriteAsync(HttpContext http, Problem problem)
    {
        if (problem is { Status: 429, Limit: not "queued_jobs" })
        {
            await WriteLimitAsync(http);
            return;
        }

        if (problem is { Status: 404, Code: "not_found" } or { Status: 405 })
        {
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.WriteAsync(problem.Status == 405 ? "" : "404 page not found\n", http.RequestAborted);
            return;
        }

        (int status, string error, string? description) = Of(problem);
        var body = new JsonObject { ["error"] = error };
        if (!string.IsNullOrEmpty(description))
        {
            body["description"] = description;
        }

        if (http.Features.Get<StablecogSettings>()?.Known is { } settings)
        {
            body["settings"] = settings.DeepClone();
        }

        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(body.ToJsonString(WireJson.Options), http.RequestAborted);
    }

    private static (int Status, string Error, string? Description) Of(Problem problem) =>
        problem switch
        {
            { Code: Own } => (problem.Status, problem.Title, problem.Detail),
            { Status: 401 } => (401, "Unauthorized", null),
            { Status: 403 } => (403, "Forbidden", null),
            { Code: "insufficient_credits" } => (400, "insufficient_credits", problem.Detail),
            { Status: 429 } => (400, "queue_limit_reached", problem.Detail),
            { Code: "malformed_json" or "malformed_body" or "malformed_form" } => (400, "json_parse_error", problem.Detail),
            { Code: "body_too_large" } => (400, "image_too_large", problem.Detail),
            { Code: "job_timeout" } => (500, "TIMEOUT", problem.Detail),
            { Code: "internal_error" } => (500, "An unknown error has occured", null),
            { Errors: { Count: > 0 } errors } when errors.ContainsKey("model") => (400, "invalid_model_or_scheduler", errors["model"][0]),
            { Errors: { Count: > 0 } errors } => (400, string.Join("; ", errors.Select(e => $"{e.Key} {e.Value[0]}")), null),
            { Status: < 500 } => (400, problem.Detail, null),
            _ => (problem.Status, problem.Detail.Length > 0 ? problem.Detail : "unknown_error", null),
        };

    /// <summary>Plain text, and the headers that the service's limiter sets.</summary>
    private static async Task WriteLimitAsync(HttpContext http)
    {
        foreach (string name in (string[])["Limit", "Remaining", "Reset"])
        {
            http.Response.Headers[$"X-RateLimit-{name}"] = http.Response.Headers[$"RateLimit-{name}"];
        }

        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync("Too Many Requests\n", http.RequestAborted);
    }
}
