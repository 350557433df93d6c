using System.Globalization;
using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.Fal;

/// <summary>
/// Errors as this service says them: of an input {"detail": [{"loc", "msg", "type"}]}, of a request {"detail", "error_type"}, else
/// {"detail"}.
/// </summary>
internal static class FalErrors
{
    private static readonly Dictionary<string, string> Names = new()
    {
        ["webhook_url"] = "fal_webhook",
        ["expires_in"] = "x-fal-request-timeout",
    };

    /// <summary>Fields whose pictures may not be there.</summary>
    private static readonly string[] OfPictures = ["image", "mask"];

    public static Task WriteAsync(HttpContext http, Problem problem)
    {
        MappedInput? input = http.Features.Get<MappedInput>();
        var names = new Dictionary<string, string>(Names);
        foreach ((string native, string name) in input?.Names ?? new Dictionary<string, string>())
        {
            names[native] = name;
        }

        string[] pictures = [.. OfPictures.Select(field => names.GetValueOrDefault(field, field))];
        IReadOnlyList<(string Field, string Detail)> fields = FaceProblem.Fields(problem, names);
        var body = new JsonObject
        {
            ["detail"] =
                fields.Count > 0
                    ? new JsonArray([
                        .. fields.Select(f =>
                            (JsonNode)Item(f.Field, f.Detail, TypeOf(input, f.Field, f.Detail, pictures.Contains(f.Field)))
                        ),
                        .. problem.MoreErrors is { } more ? [Item("", Problem.AndMore(more), "value_error")] : Array.Empty<JsonNode>(),
                    ])
                    : problem.Code switch
                    {
                        "key_missing" => "Authentication is required to access this application.",
                        "not_found" => "Not Found",
                        _ => problem.Detail,
                    },
        };
        string? type = problem switch
        {
            { Status: 504 } => "request_timeout",
            { Status: 503 } => "runner_scheduling_failure",
            { Status: 500 } => "internal_error",
            { Status: 400 } => "bad_request",
            _ => null,
        };
        if (type is not null)
        {
            body["error_type"] = type;
            http.Response.Headers["X-Fal-Error-Type"] = type;
        }

        http.Response.Headers["X-Fal-Retryable"] = problem.Status is 429 or 503 or 504 ? "true" : "false";
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(body.ToJsonString(WireJson.Options), http.RequestAborted);
    }

    /// <summary>What is wrong with a field, as pydantic says it.</summary>
    public static JsonObject Item(string field, string detail, string type) =>
        new()
        {
            ["loc"] = Location(field),
            ["msg"] = field.Length == 0 ? detail : $"{field} {detail}",
            ["type"] = type,
        };

    /// <summary>A field's name as pydantic has it: "a[0].b" is "body", "a", 0, "b".</summary>
    private static JsonArray Location(string field)
    {
        var location = new JsonArray(
            field == "fal_webhook" ? "query"
            : field.StartsWith("x-", StringComparison.Ordinal) ? "header"
            : "body"
        );
        foreach (string part in field.Split(['.', '[', ']'], StringSplitOptions.RemoveEmptyEntries))
        {
            location.Add(
                int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                    ? JsonValue.Create(index)
                    : JsonValue.Create(part)
            );
        }

        return location;
    }

    private static string TypeOf(MappedInput? input, string field, string detail, bool isPicture) =>
        (input?.FaultOf(field) ?? InputFault.Other) switch
        {
            InputFault.Missing => "missing",
            InputFault.WrongType => "type_error",
            InputFault.NoChoice => "literal_error",
            InputFault.TooSmall => "greater_than_equal",
            InputFault.TooLarge => "less_than_equal",
            _ when detail == "is required" => "missing",
            _ when isPicture => "file_download_error",
            _ => "value_error",
        };
}
