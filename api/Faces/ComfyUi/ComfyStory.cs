using System.Text.Json;
using System.Text.Json.Nodes;
using Generation.Api.Jobs;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Jobs;
using Generation.Storage.Results;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>
/// What a socket is told: of each graph with its client id, one after the other, in the order that clients go by. What it is told is read
/// from the jobs, and so the same whichever process took the graph, or was there before.
/// </summary>
internal sealed class ComfyStory(
    ComfySocket socket,
    Caller caller,
    ComfyRuns runs,
    JobQueries queries,
    JobWaiter waiter,
    HotState hotState,
    IResultsStore results
)
{
    /// <summary>So many of an account's newest jobs are looked at.</summary>
    private const int Looked = 50;

    /// <summary>So many graphs are remembered as told.</summary>
    private const int MostTold = 1000;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>Some clients open another socket where there is silence for longer.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(8);

    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>Tells until it is stopped.</summary>
    public async Task TellAsync(CancellationToken cancellationToken)
    {
        JsonObject hello = await StatusAsync(cancellationToken);
        hello["sid"] = socket.Client;
        await socket.SendAsync("status", hello, cancellationToken);
        bool isFirst = true;
        while (true)
        {
            await socket.AnswerAsync(cancellationToken);
            foreach (ComfyRun run in await NewAsync(cancellationToken))
            {
                // What had ended before the socket was there is in the history
                if (!isFirst || !run.IsFinal)
                {
                    await FollowAsync(run.Prompt, cancellationToken);
                }
            }

            isFirst = false;
            await BreakSilenceAsync(cancellationToken);
            await socket.WaitAsync(Look, cancellationToken);
        }
    }

    private async Task<IReadOnlyList<ComfyRun>> NewAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<JobRow> rows = await queries.ListAsync(
            new JobFilter { AccountId = caller.AccountId, Limit = Looked },
            cancellationToken
        );
        if (_told.Count > MostTold)
        {
            HashSet<string> listed = [.. ComfyRuns.Runs(rows).Select(run => run.Prompt)];
            _told.RemoveWhere(prompt => !listed.Contains(prompt));
        }

        return [.. ComfyRuns.Runs(rows).Where(run => run.Note.Client == socket.Client && _told.Add(run.Prompt))];
    }

    private async Task FollowAsync(string prompt, CancellationToken cancellationToken)
    {
        await TellStatusAsync(cancellationToken);
        bool isBegun = false;
        int place = 0;
        ComfyRun? run = await LookAsync(prompt, cancellationToken);
        while (run is not null && place < run.Jobs.Count)
        {
            if (run.Jobs[place] is var (row, note))
            {
                isBegun = await FollowAsync(row.Id, note, isBegun, cancellationToken) || isBegun;
                run = await LookAsync(prompt, cancellationToken);
                if (run?.Jobs[place]?.Row is not { State: JobState.Succeeded } done)
                {
                    break;
                }

                await ShowAsync(done, note, cancellationToken);
                place++;
            }
            else if (run.IsFinal)
            {
                break;
            }
            else
            {
                await BreakSilenceAsync(cancellationToken);
                await Task.Delay(Look / 4, cancellationToken);
                run = await LookAsync(prompt, cancellationToken);
            }
        }

        run = await runs.FindAsync(caller.AccountId, prompt, cancellationToken);
        if (!isBegun)
        {
            await BeginAsync(prompt, cancellationToken);
        }

        switch (run?.State)
        {
            case ComfyRunState.Succeeded:
                await socket.SendAsync("execution_success", Of(prompt), cancellationToken);
                break;
            case ComfyRunState.Interrupted:
                await socket.SendAsync("execution_interrupted", run.Error(), cancellationToken);
                break;
            case { }:
                await socket.SendAsync("execution_error", run!.Error(), cancellationToken);
                break;
        }

        await TellStatusAsync(cancellationToken);
        // The history has it by now; clients wait for this frame, however the graph has ended
        await ExecutingAsync(prompt, null, cancellationToken);
    }

    /// <summary>Tells a job's progress until its end; returns whether it began.</summary>
    private async Task<bool> FollowAsync(JobId id, ComfyNote note, bool isBegun, CancellationToken cancellationToken)
    {
        bool isExecuting = false;
        int step = -1;
        byte[] shown = [];
        await foreach (JobView? view in waiter.WatchAsync(id, caller.AccountId, cancellationToken))
        {
            await BreakSilenceAsync(cancellationToken);
            if (view is null || view.State == JobState.Queued)
            {
                continue;
            }

            if (!isBegun)
            {
                await BeginAsync(note.Prompt, cancellationToken);
                isBegun = true;
            }

            if (!isExecuting && view.State is (JobState.Running or JobState.Succeeded))
            {
                await ExecutingAsync(note.Prompt, note.Worker, cancellationToken);
                isExecuting = true;
            }

            JobProgress? progress = JsonSerializer.Deserialize<JobDocument>(view.Json, WireJson.Options)?.Progress;
            if (view.State == JobState.Running && progress is { Step: > 0 } && progress.Step != step)
            {
                step = progress.Step;
                JsonObject data = Of(note.Prompt);
                (data["value"], data["max"], data["node"]) = (progress.Step, progress.Steps, note.Worker);
                await socket.SendAsync("progress", data, cancellationToken);
                if (await hotState.PreviewAsync(id, cancellationToken) is { Length: > 0 } preview && !preview.AsSpan().SequenceEqual(shown))
                {
                    shown = preview;
                    await PreviewAsync(preview, note, cancellationToken);
                }
            }
        }

        return isBegun;
    }

    private async Task ShowAsync(JobRow row, ComfyNote note, CancellationToken cancellationToken)
    {
        JsonObject outputs = new ComfyRun(note.Prompt, [(row, note)], null).Outputs();
        foreach (ComfyOutput output in note.Outputs)
        {
            await ExecutingAsync(note.Prompt, output.Node, cancellationToken);
            if (output.Folder == ComfyOutput.Socket)
            {
                foreach (JobOutput file in row.Outputs)
                {
                    if (await results.OpenAsync(file.Sha256, cancellationToken) is { } stream)
                    {
                        await using (stream)
                        {
                            using var bytes = new MemoryStream((int)Math.Min(file.Bytes, 1 << 26));
                            await stream.CopyToAsync(bytes, cancellationToken);
                            await socket.SendPictureAsync(bytes.ToArray(), file.ContentType == "image/png", cancellationToken);
                        }
                    }
                }
            }
            else
            {
                JsonObject data = Of(note.Prompt);
                (data["node"], data["display_node"]) = (output.Node, output.Node);
                data["output"] = outputs[output.Node]?.DeepClone() ?? new JsonObject();
                await socket.SendAsync("executed", data, cancellationToken);
            }
        }
    }

    private Task PreviewAsync(byte[] preview, ComfyNote note, CancellationToken cancellationToken)
    {
        bool isPng = preview is [0x89, ..];
        if (!isPng && preview is not [0xFF, 0xD8, ..])
        {
            // There is no number for other kinds
            return Task.CompletedTask;
        }

        return socket.TakesMetadata
            ? socket.SendPictureAsync(
                preview,
                new JsonObject
                {
                    ["node_id"] = note.Worker,
                    ["display_node_id"] = note.Worker,
                    ["real_node_id"] = note.Worker,
                    ["parent_node_id"] = null,
                    ["prompt_id"] = note.Prompt,
                    ["image_type"] = isPng ? "image/png" : "image/jpeg",
                },
                cancellationToken
            )
            : socket.SendPictureAsync(preview, isPng, cancellationToken);
    }

    /// <summary>The run as it is now; what can be begun of it is.</summary>
    private async Task<ComfyRun?> LookAsync(string prompt, CancellationToken cancellationToken) =>
        await runs.FindAsync(caller.AccountId, prompt, cancellationToken) is { } run
            ? caller.May(Scopes.Jobs)
                ? await runs.AdvanceAsync(caller, run, cancellationToken)
                : run
            : null;

    private async Task BeginAsync(string prompt, CancellationToken cancellationToken)
    {
        await socket.SendAsync("execution_start", Of(prompt), cancellationToken);
        JsonObject cached = Of(prompt);
        cached["nodes"] = new JsonArray();
        await socket.SendAsync("execution_cached", cached, cancellationToken);
    }

    private Task ExecutingAsync(string prompt, string? node, CancellationToken cancellationToken) =>
        socket.SendAsync(
            "executing",
            new JsonObject
            {
                ["node"] = node,
                ["display_node"] = node,
                ["prompt_id"] = prompt,
            },
            cancellationToken
        );

    private async Task TellStatusAsync(CancellationToken cancellationToken) =>
        await socket.SendAsync("status", await StatusAsync(cancellationToken), cancellationToken);

    private async Task BreakSilenceAsync(CancellationToken cancellationToken)
    {
        if (Environment.TickCount64 - socket.SentAt > Silence.TotalMilliseconds)
        {
            await TellStatusAsync(cancellationToken);
        }
    }

    private async Task<JsonObject> StatusAsync(CancellationToken cancellationToken) =>
        new()
        {
            ["status"] = new JsonObject
            {
                ["exec_info"] = new JsonObject { ["queue_remaining"] = await queries.OpenCountAsync(caller.AccountId, cancellationToken) },
            },
        };

    private static JsonObject Of(string prompt) =>
        new() { ["prompt_id"] = prompt, ["timestamp"] = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() };
}
