using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;

namespace Generation.Api.Faces.OpenAi;

/// <summary>Errors as {"error": {message, type, param, code}}.</summary>
internal static class OpenAiErrors
{
    private static readonly Dictionary<string, string> Names = new()
    {
        ["num_images"] = "n",
        ["width"] = "size",
        ["height"] = "size",
        ["output_quality"] = "output_compression",
    };

    public static async Task WriteAsync(HttpContext http, Problem problem)
    {
        (int status, string type, string? code) = KindOf(http, problem, out string? param);
        http.Response.StatusCode = status;
        if (!MayBeRepeated(problem))
        {
            // These libraries repeat by status alone where they are not told
            http.Response.Headers["x-should-retry"] = "false";
        }

        await http.Response.WriteAsJsonAsync(Body(FaceProblem.Text(problem, Names), type, param, code), http.RequestAborted);
    }

    /// <summary>The error object of a job that fails while its answer is being streamed.</summary>
    public static JsonObject OfProblem(HttpContext http, Problem problem)
    {
        (_, string type, string? code) = KindOf(http, problem, out string? param);
        return Body(FaceProblem.Text(problem, Names), type, param, code);
    }

    private static JsonObject Body(string message, string type, string? param, string? code) =>
        new()
        {
            ["error"] = new JsonObject
            {
                ["message"] = message,
                ["type"] = type,
                ["param"] = param,
                ["code"] = code,
            },
        };

    private static (int Status, string Type, string? Code) KindOf(HttpContext http, Problem problem, out string? param)
    {
        const string Invalid = "invalid_request_error";
        IReadOnlyList<(string Field, string Detail)> fields = FaceProblem.Fields(problem, Names);
        (string field, string detail) = fields.Count > 0 ? fields[0] : ("", "");
        param = fields.Count > 0 ? field : null;
        if (problem.Limit is "pixels" or "steps" or "outputs")
        {
            param = problem.Limit switch
            {
                "pixels" => "size",
                "outputs" => "n",
                _ => null,
            };
            return (400, Invalid, "invalid_value");
        }

        switch (problem.Status)
        {
            case 401:
                return (401, Invalid, "invalid_api_key");
            case 402:
                return (429, "insufficient_quota", "insufficient_quota");
            case 403:
                return (403, Invalid, problem.Code);
            case 404 when problem.Code == "not_found":
                return (404, Invalid, "unknown_url");
            case 429:
                return (429, "requests", "rate_limit_exceeded");
            case 400 or 422 when problem.Code is "prompt_refused" or "prompt_blocked" or "content_policy":
                return (400, "image_generation_user_error", "moderation_blocked");
            case 400 or 422 when field == "model" && detail.Contains("there is no model", StringComparison.Ordinal):
                return (404, Invalid, "model_not_found");
            case 400 or 422 when fields.Count > 0:
                bool isType = http.Features.Get<FaceBody>()?.WrongTypes.Contains(field) == true;
                return (
                    400,
                    Invalid,
                    isType ? "invalid_type"
                    : detail == "is required" ? "missing_required_parameter"
                    : "invalid_value"
                );
            case >= 500:
                return (problem.Status, "server_error", null);
            case 422:
                return (400, Invalid, problem.Code);
            default:
                return (problem.Status, Invalid, problem.Code);
        }
    }

    private static bool MayBeRepeated(Problem problem) =>
        problem switch
        {
            { Limit: "pixels" or "steps" or "outputs" } => false,
            { Status: 402 or 409 or 504 } => problem.Code == "idempotency_in_flight",
            // A job that failed once was not the server's passing trouble
            { Status: 500 } => false,
            _ => true,
        };
}
