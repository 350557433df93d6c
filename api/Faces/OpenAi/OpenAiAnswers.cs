using System.Text.Json.Nodes;
using Generation.Api.Faces.Shared;
using Generation.Contracts;

namespace Generation.Api.Faces.OpenAi;

/// <summary>Answers of finished jobs.</summary>
internal static class OpenAiAnswers
{
    /// <summary>The answer of a call with its pictures in it, or their addresses.</summary>
    public static async Task<JsonObject> OfAsync(
        FaceCalls calls,
        HttpContext http,
        OpenAiRequest request,
        IReadOnlyList<JobDocument> jobs,
        CancellationToken cancellationToken
    )
    {
        var data = new JsonArray();
        foreach (JobOutputLink output in jobs.SelectMany(j => j.Outputs))
        {
            var item = new JsonObject();
            if (request.Base64)
            {
                item["b64_json"] = Convert.ToBase64String(await calls.ReadAsync(output, cancellationToken));
            }
            else
            {
                item["url"] = calls.AddressOf(http.Request, output);
            }

            if (request.Model == "dall-e-3")
            {
                // Nothing rewrites prompts here
                item["revised_prompt"] = request.Prompt;
            }

            data.Add((JsonNode)item);
        }

        var answer = new JsonObject { ["created"] = jobs[0].CreatedAt.ToUnixTimeSeconds(), ["data"] = data };
        if (request.IsGpt)
        {
            AddEchoes(answer, request, jobs[0].Outputs[0]);
            answer["usage"] = Usage();
        }

        return answer;
    }

    /// <summary>What answers and events say of a picture.</summary>
    public static void AddEchoes(JsonObject answer, OpenAiRequest request, JobOutputLink output) =>
        AddEchoes(answer, request, output.Width, output.Height, request.Format);

    public static void AddEchoes(JsonObject answer, OpenAiRequest request, int width, int height, string format)
    {
        answer["background"] = "opaque";
        answer["output_format"] = format;
        answer["quality"] = request.Quality;
        answer["size"] = $"{width}x{height}";
    }

    /// <summary>Nothing here is counted in tokens; the fields are there because clients read them.</summary>
    public static JsonObject Usage() =>
        new()
        {
            ["input_tokens"] = 0,
            ["input_tokens_details"] = new JsonObject { ["text_tokens"] = 0, ["image_tokens"] = 0 },
            ["output_tokens"] = 0,
            ["output_tokens_details"] = new JsonObject { ["text_tokens"] = 0, ["image_tokens"] = 0 },
            ["total_tokens"] = 0,
        };
}
