using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Contracts;
using Generation.Storage.Jobs;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>What a job's metadata say of the graph that it is of.</summary>
/// <param name="Prompt">The graph's prompt_id.</param>
/// <param name="Client">The client_id of the socket that is told of it; null: none is.</param>
/// <param name="Number">The number that its answer had.</param>
/// <param name="Place">The job's place among those of the graph.</param>
/// <param name="Places">How many jobs the graph is.</param>
/// <param name="Worker">The node that does the work.</param>
/// <param name="Outputs">The output nodes that show what the job makes.</param>
internal sealed record ComfyNote(
    string Prompt,
    string? Client,
    long Number,
    int Place,
    int Places,
    string Worker,
    IReadOnlyList<ComfyOutput> Outputs
)
{
    /// <summary>The ids of all output nodes that are run, with the first job.</summary>
    public IReadOnlyList<string> Chosen { get; init; } = [];

    private const string Field = "comfyui";

    public JsonElement Write() => JsonSerializer.SerializeToElement(new Dictionary<string, ComfyNote> { [Field] = this }, WireJson.Options);

    /// <summary>The note of a job; null where it has none, for it is not of this face.</summary>
    public static ComfyNote? Read(JsonElement? metadata)
    {
        try
        {
            return
                metadata is { ValueKind: JsonValueKind.Object } all
                && all.TryGetProperty(Field, out JsonElement note)
                && note.ValueKind == JsonValueKind.Object
                && note.Deserialize<ComfyNote>(WireJson.Options)
                    is {
                        Prompt: not null,
                        Worker: not null,
                        Outputs: not null,
                        Chosen: not null,
                        Place: >= 0,
                        Places: > 0 and <= MostPlaces
                    } read
                && read.Place < read.Places
                && read.Outputs.All(output => output is { Node: not null, Folder: not null, Prefix: not null })
                ? read
                : null;
        }
        catch (JsonException)
        {
            // A caller of the native interface may write anything there
            return null;
        }
    }

    private const int MostPlaces = 1000;
}

/// <summary>An output node of a graph.</summary>
/// <param name="Node">Its id.</param>
/// <param name="Folder">The folder of its files: output, temp, or <see cref="Socket"/>.</param>
/// <param name="Prefix">What its files' names begin with.</param>
internal sealed record ComfyOutput(string Node, string Folder, string Prefix)
{
    /// <summary>In place of a folder: the pictures go over the socket and are in no history.</summary>
    public const string Socket = "socket";
}

/// <summary>How far the jobs of a graph are.</summary>
internal enum ComfyRunState
{
    Waiting,
    Running,
    Succeeded,
    Failed,
    Interrupted,
}

/// <summary>The jobs of a graph, as far as they have been submitted.</summary>
/// <param name="Prompt">The graph's prompt_id.</param>
/// <param name="Jobs">The jobs by their places; null for one that waits for another's picture and has not been submitted.</param>
/// <param name="Trouble">Why the jobs that are missing will never be; null while they may.</param>
internal sealed record ComfyRun(string Prompt, IReadOnlyList<(JobRow Row, ComfyNote Note)?> Jobs, string? Trouble)
{
    public ComfyNote Note => Jobs.First(job => job is not null)!.Value.Note;

    /// <summary>The jobs that there are.</summary>
    public IEnumerable<(JobRow Row, ComfyNote Note)> Known => Jobs.OfType<(JobRow, ComfyNote)>();

    public ComfyRunState State =>
        Known.Any(job => job.Row.State is JobState.Failed or JobState.Expired) ? ComfyRunState.Failed
        : Known.Any(job => job.Row.State == JobState.Cancelled) ? ComfyRunState.Interrupted
        : Jobs.All(job => job?.Row.State == JobState.Succeeded) ? ComfyRunState.Succeeded
        : Trouble is not null ? ComfyRunState.Failed
        : Known.Any(job => job.Row.State is JobState.Running or JobState.Succeeded) ? ComfyRunState.Running
        : ComfyRunState.Waiting;

    public bool IsFinal => State is ComfyRunState.Succeeded or ComfyRunState.Failed or ComfyRunState.Interrupted;

    /// <summary>The job that ended the run without all of its pictures; null where none did.</summary>
    public (JobRow Row, ComfyNote Note)? Culprit =>
        Known
            .Cast<(JobRow Row, ComfyNote Note)?>()
            .FirstOrDefault(job => job!.Value.Row.State is JobState.Failed or JobState.Expired or JobState.Cancelled);

    /// <summary>When it began, as milliseconds since 1970.</summary>
    public long StartedAt => Known.Min(job => job.Row.StartedAt ?? job.Row.CreatedAt).ToUnixTimeMilliseconds();

    public long FinishedAt => Known.Max(job => job.Row.FinishedAt ?? job.Row.CreatedAt).ToUnixTimeMilliseconds();

    /// <summary>The ids of the output nodes.</summary>
    public IEnumerable<string> OutputNodes => Known.SelectMany(job => job.Note.Outputs).Select(output => output.Node).Distinct();

    /// <summary>What output nodes show, by their ids, as history and events have it.</summary>
    public JsonObject Outputs()
    {
        var all = new JsonObject();
        foreach ((JobRow row, ComfyNote note) in Known)
        {
            foreach (ComfyOutput output in note.Outputs.Where(o => o.Folder != ComfyOutput.Socket))
            {
                if (row.State == JobState.Succeeded && row.Outputs.Count > 0)
                {
                    JsonArray images = all[output.Node]?["images"]?.AsArray() ?? [];
                    if (images.Count == 0)
                    {
                        all[output.Node] = new JsonObject { ["images"] = images };
                    }

                    foreach (JobOutput file in row.Outputs)
                    {
                        images.Add((JsonNode)ComfyFileNames.Of(row.Id, file, output));
                    }
                }
            }
        }

        return all;
    }

    /// <summary>The error, as history and events have it.</summary>
    public JsonObject Error()
    {
        (JobRow Row, ComfyNote Note)? culprit = Culprit;
        string node = culprit?.Note.Worker ?? Note.Worker;
        var body = new JsonObject
        {
            ["prompt_id"] = Prompt,
            ["node_id"] = node,
            ["node_type"] = culprit?.Row.Kind == JobKind.SuperResolution ? "ImageUpscaleWithModel" : "KSampler",
            ["executed"] = new JsonArray(),
        };
        if (State == ComfyRunState.Failed)
        {
            JobRow? row = culprit?.Row;
            body["exception_message"] =
                row?.State == JobState.Expired
                    ? $"No worker began job {row.Id} in time. Nothing was charged."
                    : row?.Error?.Detail ?? Trouble ?? "The job failed. Nothing was charged.";
            body["exception_type"] = row?.Error?.Code ?? (row?.State == JobState.Expired ? "job_expired" : "job_failed");
            body["traceback"] = new JsonArray();
            body["current_inputs"] = new JsonObject();
            body["current_outputs"] = new JsonArray();
        }

        body["timestamp"] = FinishedAt;
        return body;
    }
}

/// <summary>Names of files that this face shows: a job's output has its job and index in its name.</summary>
internal static class ComfyFileNames
{
    private const int MaxPrefix = 60;

    /// <summary>A file as history, events and /view have it.</summary>
    public static JsonObject Of(JobId job, JobOutput output, ComfyOutput node)
    {
        int slash = node.Prefix.LastIndexOf('/');
        string extension = output.ContentType switch
        {
            "image/jpeg" => "jpg",
            "image/webp" => "webp",
            _ => "png",
        };
        return new JsonObject
        {
            ["filename"] = string.Create(
                CultureInfo.InvariantCulture,
                $"{node.Prefix[(slash + 1)..]}_{job.Value:N}_{output.Index + 1:00000}_.{extension}"
            ),
            ["subfolder"] = slash > 0 ? node.Prefix[..slash] : "",
            ["type"] = node.Folder,
        };
    }

    /// <summary>The job and the index of a file's name; null where it is no output's.</summary>
    public static (JobId Job, int Index)? Parse(string name)
    {
        string[] parts = name.Split('_');
        return
            parts is [.., var job, var number, ['.', ..]]
            && Guid.TryParseExact(job, "N", out Guid id)
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && index > 0
            ? (new JobId(id), index - 1)
            : null;
    }

    /// <summary>What files' names begin with: as the graph has it, without what leads out of a folder.</summary>
    public static string Prefix(string asked)
    {
        IEnumerable<string> parts = asked
            .Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(part => string.Concat(part.Where(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' or ' ' or '%')).Trim('.', ' '))
            .Where(part => part.Length > 0);
        string prefix = string.Join('/', parts);
        prefix = prefix.Length <= MaxPrefix ? prefix : prefix[..MaxPrefix].Trim('/', ' ');
        return prefix.Length > 0 ? prefix : "ComfyUI";
    }
}
