using System.Text.Json.Nodes;
using Generation.Contracts;

namespace Generation.Cli.Output;

/// <summary>
/// A request as a command line for curl that a person can paste into a shell. The key is a variable in it, and never shown.
/// </summary>
internal static class CurlLine
{
    public const string Setup = "eval \"$(./generation env)\"";

    /// <summary>Makes a line that submits the request, waits for the job, and saves its first output.</summary>
    /// <param name="kind">The kind of the request, as in its path.</param>
    /// <param name="request">The request's body as it was sent.</param>
    /// <param name="seed">The seed that was used, so that the line gives the same picture.</param>
    /// <param name="extension">The extension of the file that the line saves.</param>
    public static string For(string kind, JsonObject request, long? seed, string extension = "png")
    {
        var same = (JsonObject)request.DeepClone();
        if (seed is not null)
        {
            same["seed"] = seed;
        }

        string body = same.ToJsonString(WireJson.Options).Replace("'", @"'\''", StringComparison.Ordinal);
        string header = "-H 'Content-Type: application/json' -H 'Prefer: wait=60'";
        string id = """grep -oE '"id": ?"[^"]+"' | head -n 1 | cut -d '"' -f 4""";
        string file = $"{(kind == "video" ? "clip" : "picture")}.{extension}";
        return $"""auth="Authorization: Bearer $GENERATION_KEY"; """
            + $"""id=$(curl -fsS "$GENERATION_URL/v1/{kind}" -H "$auth" {header} -d '{body}' | {id}) && """
            + $"""curl -fsS "$GENERATION_URL/v1/jobs/$id/outputs/0" -H "$auth" -o {file}""";
    }
}
