using System.Text.Json.Nodes;
using Generation.Api.Web;

namespace Generation.Api.Faces.ModelsLab;

/// <summary>
/// Names under which the client sent what native fields came from: errors about those are told under these.
/// </summary>
internal sealed class ModelsLabFields : Dictionary<string, string>
{
    /// <summary>Fields whose value was of a wrong type.</summary>
    public HashSet<string> WrongTypes { get; } = [];

    /// <summary>The model that was asked for.</summary>
    public string? Model { get; set; }

    /// <summary>Client's name of a native field; of "control[0].image" that of "image".</summary>
    public string Of(string native)
    {
        string last = native[(native.LastIndexOf('.') + 1)..];
        int bracket = last.IndexOf('[', StringComparison.Ordinal);
        string name = bracket > 0 ? last[..bracket] : last;
        return this.GetValueOrDefault(name, name);
    }
}

/// <summary>Problems in the service's shape: {status: "error", message}, in v3 to v5 with "messege" beside it and status 200.</summary>
internal static class ModelsLabErrors
{
    private static readonly string[] Pictures = ["image", "mask"];

    /// <summary>Status and body for a problem.</summary>
    public static (int Status, JsonObject Body) Of(Problem problem, ModelsLabDialect dialect, ModelsLabFields fields, ModelsLabTable table)
    {
        (JsonNode message, string? tip) = problem switch
        {
            { Status: 401 } => (dialect.IsLegacy ? "Invalid Api Key" : "Invalid API key", problem.Detail),
            { Code: "insufficient_credits" } => ("Insufficient credits. Please add more credits to continue.", problem.Detail),
            { Status: 429, Limit: "queued_jobs" } => (dialect.IsLegacy ? "Rate limit exceeded" : QueueFull(problem), problem.Detail),
            { Status: 429 } => ("Rate limit exceeded", problem.Detail),
            { Status: 503 } => ("Service temporarily unavailable. Please try again later.", problem.Detail),
            { Status: >= 500 } => (
                "Internal server error. Please try again.",
                problem.TraceId is { } trace ? $"The log has it under {trace}." : null
            ),
            { Errors: { Count: > 0 } errors } => Of(errors, dialect, fields),
            _ => ((JsonNode)problem.Detail, null),
        };
        var body = new JsonObject { ["status"] = "error", ["message"] = message };
        if (dialect.IsLegacy)
        {
            body["messege"] = message.DeepClone();
        }

        if (tip is not null)
        {
            body[dialect.IsLegacy && problem.Status == 429 ? "tips" : "tip"] = tip;
        }

        if (problem.Status == 429)
        {
            body["retry_after"] = table.RetryAfterSeconds;
        }

        return (dialect.IsLegacy ? 200 : StatusOf(problem.Status), body);
    }

    /// <summary>"Rate limit exceeded. Maximum 5 queued requests allowed."</summary>
    private static string QueueFull(Problem problem)
    {
        string? limit = problem.Detail.Split(' ', ',', '.').FirstOrDefault(w => w.Length > 0 && w.All(char.IsAsciiDigit));
        return limit is null ? "Rate limit exceeded." : $"Rate limit exceeded. Maximum {limit} queued requests allowed.";
    }

    private static (JsonNode Message, string? Tip) Of(
        IReadOnlyDictionary<string, string[]> errors,
        ModelsLabDialect dialect,
        ModelsLabFields fields
    )
    {
        if (errors.ContainsKey("model"))
        {
            return (
                dialect.IsLegacy ? "Model id not found" : $"Model not found: {fields.Model ?? "(none)"}",
                $"model_id: {errors["model"][0]}"
            );
        }

        if (
            errors.FirstOrDefault(e => Pictures.Contains(e.Key) && e.Value[0].StartsWith("its address", StringComparison.Ordinal)) is
            { Key: { } picture } unreachable
        )
        {
            return ("Unable to fetch image from provided URL", $"{fields.Of(picture)}: {unreachable.Value[0]}");
        }

        string[] told = [.. errors.SelectMany(e => e.Value.Select(detail => Sentence(fields.Of(e.Key), detail)))];
        if (!dialect.IsLegacy)
        {
            return (told[0], told.Length > 1 ? string.Join("; ", told[1..]) : null);
        }

        var message = new JsonObject();
        foreach ((string field, string[] details) in errors)
        {
            string name = fields.Of(field);
            message[name] = new JsonArray([
                .. details.Select(detail =>
                    (JsonNode)(detail == "is required" ? $"The {name} field is required." : $"The {Sentence(name, detail)}.")
                ),
            ]);
        }

        return (message, null);

        string Sentence(string name, string detail)
        {
            int value = detail.IndexOf(", and is", StringComparison.Ordinal);
            return fields.WrongTypes.Contains(name) && value > 0 ? $"{name} {detail[..value]}" : $"{name} {detail}";
        }
    }

    /// <summary>The statuses that the service knows.</summary>
    private static int StatusOf(int status) =>
        status switch
        {
            409 or 413 or 415 or 422 => 400,
            410 => 404,
            _ => status,
        };
}
