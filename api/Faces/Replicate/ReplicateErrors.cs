using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;
using Generation.Contracts;

namespace Generation.Api.Faces.Replicate;

/// <summary>Errors as this service says them: {"title", "detail", "status"}, and for fields of an input "invalid_fields".</summary>
internal static class ReplicateErrors
{
    /// <summary>Native names of what is no field of an input.</summary>
    private static readonly Dictionary<string, string> Names = new()
    {
        ["webhook_url"] = "webhook",
        ["webhook_events"] = "webhook_events_filter",
        ["expires_in"] = "Cancel-After",
        ["metadata"] = "input",
        ["model"] = "version",
    };

    public static Task WriteAsync(HttpContext http, Problem problem)
    {
        MappedInput? input = http.Features.Get<MappedInput>();
        var names = new Dictionary<string, string>(Names);
        foreach ((string native, string name) in input?.Names ?? new Dictionary<string, string>())
        {
            names[native] = name;
        }

        IReadOnlyList<(string Field, string Detail)> fields = FaceProblem.Fields(problem, names);
        (string? title, string detail) = problem switch
        {
            { Status: 401 } => ("Unauthenticated", $"You did not pass a valid authentication token. {problem.Detail}"),
            { Status: 402 } => ("Insufficient credit", problem.Detail),
            { Status: 404, Code: "not_found" } => (null, "The requested resource could not be found."),
            { Status: 404 } => (null, problem.Detail),
            { Status: 429 } => (null, $"Request was throttled. {problem.Detail}"),
            { Code: "invalid_version" } => ("Invalid version or not permitted", problem.Detail),
            { Status: 422 } when fields.Count > 0 => ("Input validation failed", Lines(fields, problem.MoreErrors)),
            _ => (problem.Title, problem.Detail),
        };
        var body = new JsonObject();
        if (title is not null)
        {
            body["title"] = title;
        }

        body["detail"] = detail;
        body["status"] = problem.Status;
        if (fields.Count > 0)
        {
            body["invalid_fields"] = new JsonArray([
                .. fields.Select(field =>
                    (JsonNode)
                        new JsonObject
                        {
                            ["type"] = TypeOf(input?.FaultOf(field.Field) ?? InputFault.Other, field.Detail),
                            ["field"] = field.Field,
                            ["description"] = field.Detail,
                        }
                ),
            ]);
        }

        http.Response.ContentType = Problem.ContentType;
        return http.Response.WriteAsync(body.ToJsonString(WireJson.Options), http.RequestAborted);
    }

    private static string Lines(IEnumerable<(string Field, string Detail)> fields, int? more) =>
        string.Join('\n', fields.Select(field => $"- {field.Field}: {field.Detail}"))
        + (more is { } count ? $"\n- {Problem.AndMore(count)}" : "");

    private static string TypeOf(InputFault fault, string detail) =>
        fault switch
        {
            InputFault.Missing => "required",
            InputFault.WrongType => "invalid_type",
            InputFault.NoChoice => "enum",
            InputFault.TooSmall => "number_gte",
            InputFault.TooLarge => "number_lte",
            InputFault.Unknown => "additional_property_not_allowed",
            _ => detail == "is required" ? "required" : "invalid",
        };
}
