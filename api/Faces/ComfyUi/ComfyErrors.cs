using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Api.Web;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>A graph that is refused as a whole.</summary>
internal sealed class ComfyException(string type, string message, string details, JsonObject? extra = null, JsonObject? nodeErrors = null)
    : Exception(message)
{
    /// <summary>The answer, as ComfyUI's.</summary>
    public JsonObject Body => ComfyErrors.Body(type, Message, details, extra, nodeErrors);
}

/// <summary>What is wrong with an input of a node.</summary>
/// <param name="Node">The node's id.</param>
/// <param name="Type">A name that programs go by.</param>
/// <param name="Message">The kind of error, in words.</param>
/// <param name="Input">The input; null where it is the node as a whole.</param>
/// <param name="Details">What is wrong, and what would work.</param>
internal sealed record NodeError(string Node, string Type, string Message, string? Input, string Details)
{
    /// <summary>The graph, or a part of it, is in order there, and has no counterpart here.</summary>
    public static NodeError NotDone(string node, string? input, string details) =>
        new(node, "custom_validation_failed", "Custom validation failed for node", input, input is null ? details : $"{input}: {details}");
}

/// <summary>Ends the reading of one output's part of a graph.</summary>
internal sealed class NodeException(NodeError error) : Exception(error.Details)
{
    public NodeError Error => error;
}

/// <summary>Errors as ComfyUI says them: {"error": {"type", "message", "details", "extra_info"}, "node_errors": {}}.</summary>
internal static class ComfyErrors
{
    public static JsonObject Body(string type, string message, string details, JsonObject? extra = null, JsonObject? nodeErrors = null) =>
        new()
        {
            ["error"] = new JsonObject
            {
                ["type"] = type,
                ["message"] = message,
                ["details"] = details,
                ["extra_info"] = extra ?? [],
            },
            ["node_errors"] = nodeErrors ?? [],
        };

    public static Task WriteAsync(HttpContext http, Problem problem)
    {
        (string type, string message) = problem switch
        {
            { Status: 401 } => ("unauthorized", "A key is needed"),
            { Code: "malformed_json" or "malformed_body" } => ("invalid_prompt", "The body cannot be read"),
            _ => (problem.Code, problem.Title),
        };
        if (problem.Status == StatusCodes.Status401Unauthorized)
        {
            http.Response.Headers.WWWAuthenticate = "Basic";
        }

        http.Response.StatusCode = problem.Status == StatusCodes.Status422UnprocessableEntity ? 400 : problem.Status;
        return http.Response.WriteAsJsonAsync(Body(type, message, FaceProblem.Text(problem, NoNames)), http.RequestAborted);
    }

    /// <summary>What is wrong with nodes, by their ids.</summary>
    /// <param name="errors">The errors, each with the output nodes that depend on its node.</param>
    /// <param name="graph">The graph.</param>
    public static JsonObject OfNodes(IEnumerable<(NodeError Error, string Output)> errors, ComfyGraph graph)
    {
        var all = new JsonObject();
        foreach (IGrouping<string, (NodeError Error, string Output)> node in errors.GroupBy(e => e.Error.Node))
        {
            all[node.Key] = new JsonObject
            {
                ["errors"] = new JsonArray([.. node.Select(e => e.Error).Distinct().Select(error => (JsonNode)One(error, graph))]),
                ["dependent_outputs"] = new JsonArray([.. node.Select(e => e.Output).Distinct().Select(o => (JsonNode)o)]),
                ["class_type"] = graph.Nodes.GetValueOrDefault(node.Key)?.Class.Name ?? "",
            };
        }

        return all;
    }

    private static readonly Dictionary<string, string> NoNames = [];

    private static JsonObject One(NodeError error, ComfyGraph graph)
    {
        var extra = new JsonObject();
        if (error.Input is { } input)
        {
            extra["input_name"] = input;
            if (
                graph.Nodes.GetValueOrDefault(error.Node)?.Inputs.GetValueOrDefault(input) is { } given
                && given.Value.GetRawText() is { Length: <= 200 } raw
            )
            {
                extra["received_value"] = JsonNode.Parse(raw);
            }
        }

        return new JsonObject
        {
            ["type"] = error.Type,
            ["message"] = error.Message,
            ["details"] = error.Details,
            ["extra_info"] = extra,
        };
    }
}
