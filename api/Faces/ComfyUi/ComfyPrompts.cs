using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Authentication;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Web;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Microsoft.Extensions.Options;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>Graphs that are queued, what has become of them, and how they are stopped. Each account sees and stops its own.</summary>
internal sealed class ComfyPrompts(
    ComfyGraphs graphs,
    ComfyRuns runs,
    ComfySockets sockets,
    JobQueries queries,
    TimeProvider time,
    IOptions<FaceOptions> faces
)
{
    /// <summary>Longest prompt_id and client_id.</summary>
    private const int MaxId = 128;

    /// <summary>Longest extra_data that is kept, in bytes.</summary>
    private const int MaxExtra = 64 * 1024;

    private const int MostTargets = 500;

    private static readonly JsonDocumentOptions Lenient = new()
    {
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>POST /prompt.</summary>
    public async Task<IResult> PostAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, faces.Value.BodyLimit(withPictures: false), cancellationToken);
        Caller caller = http.Caller();
        try
        {
            if (body.Value("prompt") is not { IsObject: true } prompt)
            {
                throw new ComfyException("no_prompt", "No prompt provided", "prompt must be an object: nodes by their ids");
            }

            byte[] graph = prompt.Content.ToArray();
            FaceValue? extraData = body.Value("extra_data");
            byte[] extra = extraData is { IsObject: true, Length: <= MaxExtra } ? Public(extraData) : "{}"u8.ToArray();
            var note = new ComfyNote(
                IdOf(body, "prompt_id") ?? NewId(http, caller),
                IdOf(body, "client_id"),
                time.GetUtcNow().ToUnixTimeSeconds(),
                0,
                1,
                "",
                []
            );
            string[] targets =
            [
                .. (body.Value("partial_execution_targets")?.Items() ?? []).Take(MostTargets).Select(t => t.Text).OfType<string>(),
            ];
            BodyShare share = BodyBudget.Of(http);
            (GraphPlan plan, JsonObject nodeErrors) = await graphs.PlanAsync(caller, graph, targets, note, share, cancellationToken);
            await runs.SubmitAsync(caller, note.Prompt, graph, extra, plan, share, cancellationToken);
            sockets.Signal(caller.AccountId);
            return Results.Json(
                new JsonObject
                {
                    ["prompt_id"] = note.Prompt,
                    ["number"] = note.Number,
                    ["node_errors"] = nodeErrors,
                }
            );
        }
        catch (ComfyException e)
        {
            return Results.Json(e.Body, statusCode: StatusCodes.Status400BadRequest);
        }
    }

    /// <summary>GET /prompt.</summary>
    public async Task<IResult> GetAsync(HttpContext http, CancellationToken cancellationToken) =>
        Results.Json(await ExecInfoAsync(http.Caller().AccountId, cancellationToken));

    /// <summary>GET /queue.</summary>
    public async Task<IResult> QueueAsync(HttpContext http, CancellationToken cancellationToken)
    {
        Caller caller = http.Caller();
        var running = new JsonArray();
        var pending = new JsonArray();
        foreach (ComfyRun run in await OpenAsync(caller, cancellationToken))
        {
            (run.State == ComfyRunState.Running ? running : pending).Add(
                (JsonNode)await ItemAsync(caller.AccountId, run, cancellationToken)
            );
        }

        return Results.Json(new JsonObject { ["queue_running"] = running, ["queue_pending"] = pending });
    }

    /// <summary>POST /queue: stops graphs that wait.</summary>
    public async Task<IResult> ChangeQueueAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, faces.Value.BodyLimit(withPictures: false), cancellationToken);
        Caller caller = http.Caller();
        bool all = body.Flag("clear") == true;
        HashSet<string> ids = Ids(body);
        foreach (ComfyRun run in await OpenAsync(caller, cancellationToken))
        {
            if (run.State == ComfyRunState.Waiting && (all || ids.Contains(run.Prompt)))
            {
                await runs.CancelAsync(caller.AccountId, run, cancellationToken);
            }
        }

        return Results.Empty;
    }

    /// <summary>POST /interrupt: stops the graph that runs, or the one of a prompt_id if it runs.</summary>
    public async Task<IResult> InterruptAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, faces.Value.BodyLimit(withPictures: false), cancellationToken);
        Caller caller = http.Caller();
        string? id = body.Text("prompt_id");
        ComfyRun? run = (await OpenAsync(caller, cancellationToken)).FirstOrDefault(run =>
            run.State == ComfyRunState.Running && (id is null || run.Prompt == id)
        );
        if (run is not null)
        {
            await runs.CancelAsync(caller.AccountId, run, cancellationToken);
        }

        return Results.Empty;
    }

    /// <summary>GET /history.</summary>
    public async Task<IResult> HistoryAsync(HttpContext http, CancellationToken cancellationToken)
    {
        Caller caller = http.Caller();
        IEnumerable<ComfyRun> ended = (await runs.ListAsync(caller.AccountId, cancellationToken)).Where(run => run.IsFinal);
        int? most = NumberOf(http, "max_items");
        int? offset = NumberOf(http, "offset");
        ended = offset is { } skipped ? ended.Skip(skipped).Take(most ?? int.MaxValue) : ended.TakeLast(most ?? int.MaxValue);
        var all = new JsonObject();
        foreach (ComfyRun run in ended)
        {
            all[run.Prompt] = Entry(run, "{}"u8, "{}"u8);
        }

        return Results.Json(all);
    }

    /// <summary>GET /history/{id}: with the graph, while that is known.</summary>
    public async Task<IResult> HistoryOfAsync(string id, HttpContext http, CancellationToken cancellationToken)
    {
        Caller caller = http.Caller();
        if (
            await runs.FindAsync(caller.AccountId, id, cancellationToken) is not { } run
            || await runs.IsHiddenAsync(caller.AccountId, id, cancellationToken)
        )
        {
            return Results.Json(new JsonObject());
        }

        run = await AdvancedAsync(caller, run, cancellationToken);
        if (!run.IsFinal)
        {
            return Results.Json(new JsonObject());
        }

        (byte[] graph, byte[] extra) = await runs.GraphAsync(caller.AccountId, id, cancellationToken);
        return Results.Json(new JsonObject { [id] = Entry(run, graph, extra) });
    }

    /// <summary>POST /history: takes graphs out of the history; their pictures stay the account's.</summary>
    public async Task<IResult> ChangeHistoryAsync(HttpContext http, CancellationToken cancellationToken)
    {
        FaceBody body = await FaceBody.ReadAsync(http.Request, faces.Value.BodyLimit(withPictures: false), cancellationToken);
        Guid account = http.Caller().AccountId;
        IEnumerable<string> hidden =
            body.Flag("clear") == true
                ? (await runs.ListAsync(account, cancellationToken)).Where(run => run.IsFinal).Select(run => run.Prompt)
                : Ids(body);
        foreach (string id in hidden)
        {
            await runs.HideAsync(account, id, cancellationToken);
        }

        return Results.Empty;
    }

    /// <summary>How many of an account's graphs have not ended, as ComfyUI tells it.</summary>
    public async Task<JsonObject> ExecInfoAsync(Guid account, CancellationToken cancellationToken)
    {
        int open = await queries.OpenCountAsync(account, cancellationToken);
        return new JsonObject { ["exec_info"] = new JsonObject { ["queue_remaining"] = open } };
    }

    /// <summary>The account's graphs that have not ended, the oldest first.</summary>
    private async Task<IReadOnlyList<ComfyRun>> OpenAsync(Caller caller, CancellationToken cancellationToken)
    {
        var open = new List<ComfyRun>();
        foreach (ComfyRun run in await runs.ListAsync(caller.AccountId, cancellationToken))
        {
            ComfyRun now = run.IsFinal ? run : await AdvancedAsync(caller, run, cancellationToken);
            if (!now.IsFinal)
            {
                open.Add(now);
            }
        }

        return open;
    }

    private Task<ComfyRun> AdvancedAsync(Caller caller, ComfyRun run, CancellationToken cancellationToken) =>
        caller.May(Scopes.Jobs) ? runs.AdvanceAsync(caller, run, cancellationToken) : Task.FromResult(run);

    private async Task<JsonArray> ItemAsync(Guid account, ComfyRun run, CancellationToken cancellationToken)
    {
        (byte[] graph, byte[] extra) = await runs.GraphAsync(account, run.Prompt, cancellationToken);
        return Item(run, graph, extra);
    }

    private static JsonArray Item(ComfyRun run, ReadOnlySpan<byte> graph, ReadOnlySpan<byte> extra)
    {
        JsonObject data = Parsed(extra);
        if (run.Note.Client is { } client)
        {
            data["client_id"] = client;
        }

        return
        [
            run.Note.Number,
            run.Prompt,
            Parsed(graph),
            data,
            new JsonArray([.. run.OutputNodes.Select(node => (JsonNode)JsonValue.Create(node)!)]),
        ];
    }

    /// <summary>An object as it was kept; an empty one for anything else.</summary>
    private static JsonObject Parsed(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonNode.Parse(json, null, Lenient) as JsonObject ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static JsonObject Entry(ComfyRun run, ReadOnlySpan<byte> graph, ReadOnlySpan<byte> extra)
    {
        bool isDone = run.State == ComfyRunState.Succeeded;
        JsonObject Told(long at) => new() { ["prompt_id"] = run.Prompt, ["timestamp"] = at };
        JsonObject cached = Told(run.StartedAt);
        cached["nodes"] = new JsonArray();
        var meta = new JsonObject();
        foreach (string node in run.OutputNodes)
        {
            meta[node] = new JsonObject
            {
                ["node_id"] = node,
                ["display_node"] = node,
                ["parent_node"] = null,
                ["real_node_id"] = node,
            };
        }

        return new JsonObject
        {
            ["prompt"] = Item(run, graph, extra),
            ["outputs"] = run.Outputs(),
            ["status"] = new JsonObject
            {
                ["status_str"] = isDone ? "success" : "error",
                ["completed"] = isDone,
                ["messages"] = new JsonArray(
                    new JsonArray("execution_start", Told(run.StartedAt)),
                    new JsonArray("execution_cached", cached),
                    run.State switch
                    {
                        ComfyRunState.Succeeded => new JsonArray("execution_success", Told(run.FinishedAt)),
                        ComfyRunState.Interrupted => new JsonArray("execution_interrupted", run.Error()),
                        _ => new JsonArray("execution_error", run.Error()),
                    }
                ),
            },
            ["meta"] = meta,
        };
    }

    /// <summary>The extra data without what is nobody else's: keys that clients send along.</summary>
    private static byte[] Public(FaceValue extra)
    {
        try
        {
            JsonObject all = Parsed(extra.Content.Span);
            foreach (
                string name in all.Select(member => member.Key).Where(name => name.Contains("api_key", StringComparison.Ordinal)).ToArray()
            )
            {
                all.Remove(name);
            }

            return Encoding.UTF8.GetBytes(all.ToJsonString());
        }
        catch (InvalidOperationException)
        {
            // A text in it is not valid Unicode
            return "{}"u8.ToArray();
        }
    }

    private static string? IdOf(FaceBody body, string field)
    {
        string? id = body.Value(field)?.Text;
        return id is null or { Length: > 0 and <= MaxId } && id?.Any(c => c is <= ' ' or '\x7f') != true
            ? id
            : throw new ComfyException(
                $"invalid_{field}",
                $"{field} is not valid",
                $"It may have {MaxId} characters at most, and no spaces."
            );
    }

    /// <summary>An id that is new, or the same for the same Idempotency-Key.</summary>
    private static string NewId(HttpContext http, Caller caller) =>
        (
            Preferences.Of(http.Request).IdempotencyKey is { } key
                ? new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{caller.AccountId:N} {key}")).AsSpan(0, 16))
                : Guid.NewGuid()
        ).ToString("D");

    private static HashSet<string> Ids(FaceBody body)
    {
        const int MostIds = 100;
        return [.. (body.Value("delete")?.Items() ?? []).Take(MostIds).Select(item => item.Text).OfType<string>()];
    }

    private static int? NumberOf(HttpContext http, string name) =>
        int.TryParse(http.Request.Query[name], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
