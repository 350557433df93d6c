using System.Security.Cryptography;
using System.Text;
using Generation.Api.Faces.Shared;
using Generation.Api.Jobs;
using Generation.Api.Kinds;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Faces;
using Generation.Storage.Jobs;

namespace Generation.Api.Faces.ComfyUi;

/// <summary>
/// Runs of graphs: their jobs are submitted under keys made of the prompt_id, by which they are found again, and so that none is there
/// twice whoever submits it. A job that begins with another's picture is submitted when that is there; whoever looks at the run sees to it,
/// and so does the process that took the graph.
/// </summary>
internal sealed class ComfyRuns(
    JobIntake intake,
    JobStore jobs,
    JobQueries queries,
    JobWaiter waiter,
    IdempotencyStore idempotency,
    ComfyGraphs graphs,
    OwnPictures pictures,
    FaceMemory memory,
    BodyBudget budget,
    ComfyTable table,
    IHostApplicationLifetime lifetime,
    ILogger<ComfyRuns> logger
)
{
    /// <summary>So many of an account's newest jobs are looked at for lists.</summary>
    private const int Listed = 100;

    private const string Graph = "graph";
    private const string Extra = "extra";
    private const string Trouble = "trouble";
    private const string Hidden = "hidden";

    /// <summary>The run of a graph; null if the account has none of this id.</summary>
    public async Task<ComfyRun?> FindAsync(Guid account, string prompt, CancellationToken cancellationToken)
    {
        if (await FindAsync(account, prompt, 0, cancellationToken) is not { } first)
        {
            return null;
        }

        var all = new (JobRow, ComfyNote)?[first.Note.Places];
        all[0] = first;
        for (int place = 1; place < all.Length; place++)
        {
            all[place] = await FindAsync(account, prompt, place, cancellationToken);
        }

        string? trouble = null;
        if (all.Contains(null) && await memory.FindAsync(MarkOf(account, prompt), cancellationToken) is { } marks)
        {
            trouble = marks.TryGetValue(Trouble, out byte[]? text) ? FaceMemory.Text(text) : null;
        }

        return new ComfyRun(prompt, all, trouble);
    }

    /// <summary>The account's newest runs, the oldest first, without those that were deleted from its history.</summary>
    public async Task<IReadOnlyList<ComfyRun>> ListAsync(Guid account, CancellationToken cancellationToken)
    {
        IReadOnlyList<JobRow> rows = await queries.ListAsync(new JobFilter { AccountId = account, Limit = Listed }, cancellationToken);
        List<ComfyRun> runs = Runs(rows);
        IReadOnlyDictionary<string, byte[]>?[] marks = await Task.WhenAll(
            runs.Select(run => memory.FindAsync(MarkOf(account, run.Prompt), cancellationToken))
        );
        return
        [
            .. runs.Zip(marks, (run, mark) => (Run: run, Mark: mark))
                .Where(run => run.Mark?.ContainsKey(Hidden) != true)
                .Select(run =>
                    run.Mark?.TryGetValue(Trouble, out byte[]? text) == true ? run.Run with { Trouble = FaceMemory.Text(text) } : run.Run
                ),
        ];
    }

    /// <summary>The runs that jobs are of, the oldest first.</summary>
    public static List<ComfyRun> Runs(IReadOnlyList<JobRow> rows)
    {
        var runs = new List<ComfyRun>();
        foreach (
            IGrouping<string, (JobRow Row, ComfyNote Note)> run in rows.Select(row => (Row: row, Note: ComfyNote.Read(row.Metadata)))
                .Where(job => job.Note is not null)
                .Select(job => (job.Row, job.Note!))
                .GroupBy(job => job.Item2.Prompt)
        )
        {
            var all = new (JobRow, ComfyNote)?[run.Max(job => job.Note.Places)];
            foreach ((JobRow row, ComfyNote note) in run)
            {
                all[note.Place] = (row, note);
            }

            runs.Add(new ComfyRun(run.Key, all, null));
        }

        runs.Reverse();
        return runs;
    }

    /// <summary>The graph of a run as it came, with its extra data; empty objects where that is no longer known.</summary>
    public async Task<(byte[] Graph, byte[] Extra)> GraphAsync(Guid account, string prompt, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, byte[]>? kept = await memory.FindAsync(KeyOf(account, prompt), cancellationToken);
        byte[] none = "{}"u8.ToArray();
        return (kept?.GetValueOrDefault(Graph) ?? none, kept?.GetValueOrDefault(Extra) ?? none);
    }

    /// <summary>Takes a run out of its account's history; its jobs and their pictures stay.</summary>
    public Task HideAsync(Guid account, string prompt, CancellationToken cancellationToken) =>
        MarkAsync(account, prompt, Hidden, "", cancellationToken);

    /// <summary>Whether a run was taken out of its account's history.</summary>
    public async Task<bool> IsHiddenAsync(Guid account, string prompt, CancellationToken cancellationToken) =>
        (await memory.FindAsync(MarkOf(account, prompt), cancellationToken))?.ContainsKey(Hidden) == true;

    /// <summary>Cancels what of a run has not ended.</summary>
    public async Task CancelAsync(Guid account, ComfyRun run, CancellationToken cancellationToken)
    {
        if (run.Jobs.Contains(null) && !run.IsFinal)
        {
            await MarkAsync(account, run.Prompt, Trouble, "The run was interrupted.", cancellationToken);
        }

        foreach ((JobRow row, _) in run.Known.Where(job => !job.Row.State.IsFinal()))
        {
            await jobs.CancelAsync(row.Id, account, cancellationToken);
        }
    }

    /// <summary>Submits those jobs of a graph that need no other's picture.</summary>
    /// <param name="caller">Whose graph it is.</param>
    /// <param name="prompt">Its prompt_id.</param>
    /// <param name="graph">The graph as it came.</param>
    /// <param name="extra">Its extra data as they came.</param>
    /// <param name="plan">Its jobs, whose notes are in their metadata.</param>
    /// <param name="share">What the call takes of memory for bodies.</param>
    /// <param name="cancellationToken">Ends the submission.</param>
    /// <exception cref="ProblemException">A job was refused; those before it are cancelled.</exception>
    public async Task SubmitAsync(
        Caller caller,
        string prompt,
        byte[] graph,
        byte[] extra,
        GraphPlan plan,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        // Before the jobs: whoever goes on with the run needs it
        await memory.KeepAsync(
            KeyOf(caller.AccountId, prompt),
            new Dictionary<string, byte[]> { [Graph] = graph, [Extra] = extra },
            table.Remembered,
            cancellationToken
        );
        var done = new List<JobId>();
        try
        {
            foreach ((int place, PlannedJob job) in plan.Jobs.Index())
            {
                if (job.From is null)
                {
                    done.Add(await SubmitAsync(caller, prompt, graph, place, job.Body, share, cancellationToken));
                }
            }
        }
        catch (ProblemException)
        {
            foreach (JobId id in done)
            {
                await jobs.CancelAsync(id, caller.AccountId, CancellationToken.None);
            }

            throw;
        }

        if (plan.Jobs.Any(job => job.From is not null))
        {
            _ = DriveAsync(caller, prompt);
        }
    }

    /// <summary>Submits what of a run can be by now, and cancels the rest of one that has failed.</summary>
    public async Task<ComfyRun> AdvanceAsync(Caller caller, ComfyRun run, CancellationToken cancellationToken)
    {
        Guid account = caller.AccountId;
        if (run.IsFinal || !run.Jobs.Contains(null))
        {
            if (run.State is ComfyRunState.Failed or ComfyRunState.Interrupted)
            {
                await CancelAsync(account, run, cancellationToken);
            }

            return run;
        }

        try
        {
            await SubmitNextAsync(caller, run, cancellationToken);
        }
        catch (ProblemException e) when (e.Problem.Status is not (409 or 429 or 503))
        {
            await MarkAsync(account, run.Prompt, Trouble, e.Problem.Detail, cancellationToken);
        }
        catch (ProblemException)
        {
            // Another is at it, or it is too much at once: the next look tries again
        }

        return await FindAsync(account, run.Prompt, cancellationToken) ?? run;
    }

    private async Task SubmitNextAsync(Caller caller, ComfyRun run, CancellationToken cancellationToken)
    {
        Guid account = caller.AccountId;
        (byte[] graph, _) = await GraphAsync(account, run.Prompt, cancellationToken);
        GraphPlan? plan = graph.Length > 2 ? await graphs.PlanAgainAsync(account, run.Note, graph, cancellationToken) : null;
        if (plan is null || plan.Jobs.Count != run.Jobs.Count)
        {
            throw new ProblemException(
                410,
                "graph_gone",
                "The graph is no longer known, or its models are not; its last jobs were not begun."
            );
        }

        (int Place, MadePicture From)[] ready =
        [
            .. plan
                .Jobs.Index()
                .Where(job => run.Jobs[job.Index] is null && job.Item.From is not null)
                .Select(job => (job.Index, job.Item.From!))
                .Where(job => run.Jobs[job.Item2.Place]?.Row.State == JobState.Succeeded),
        ];
        using var share = new BodyShare(budget, account.ToString());
        foreach ((int place, MadePicture from) in ready)
        {
            JobId source = run.Jobs[from.Place]!.Value.Row.Id;
            PictureSource picture = await pictures.ResolveAsync(
                PictureSource.Of($"/v1/jobs/{source}/outputs/{from.Index}"),
                account,
                cancellationToken
            );
            JobBody body = plan.Jobs[place].Body;
            switch (body)
            {
                case ImageBody image:
                    image.Image = picture;
                    break;
                case SuperResolutionBody enlarged:
                    enlarged.Image = picture;
                    break;
            }

            await SubmitAsync(caller, run.Prompt, graph, place, body, share, cancellationToken);
        }
    }

    /// <summary>Looks after a run until it has ended, or the API stops.</summary>
    private async Task DriveAsync(Caller caller, string prompt)
    {
        CancellationToken stop = lifetime.ApplicationStopping;
        try
        {
            while (await FindAsync(caller.AccountId, prompt, stop) is { } run)
            {
                run = await AdvanceAsync(caller, run, stop);
                if (run.IsFinal)
                {
                    return;
                }

                if (run.Known.FirstOrDefault(job => !job.Row.State.IsFinal()).Row is { } open)
                {
                    await waiter.WaitForEndAsync(open.Id, caller.AccountId, TimeSpan.FromMinutes(1), stop);
                }
                else
                {
                    await Task.Delay(TimeSpan.FromSeconds(1), stop);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Whoever looks at the run next goes on with it
        }
        catch (Exception e)
        {
            ApiLog.LoopFailed(logger, e, "Going on with a graph", 0);
        }
    }

    private async Task<JobId> SubmitAsync(
        Caller caller,
        string prompt,
        byte[] graph,
        int place,
        JobBody body,
        BodyShare share,
        CancellationToken cancellationToken
    )
    {
        string key = KeyOf(prompt, place);
        byte[] fingerprint = SHA256.HashData(graph);
        if (await idempotency.FindAsync(caller.AccountId, key, cancellationToken) is { } record)
        {
            return record.Fingerprint.AsSpan().SequenceEqual(fingerprint)
                ? record.JobId
                : throw new ProblemException(
                    400,
                    "invalid_prompt_id",
                    "This prompt_id was used for another graph. Take a new one for a new graph."
                );
        }

        JobAnswer answer = await intake.SubmitAsync(
            caller,
            body,
            new Preferences(null, key),
            fingerprint,
            new FieldErrors(),
            share,
            null,
            cancellationToken
        );
        return answer.Id;
    }

    private async Task<(JobRow Row, ComfyNote Note)?> FindAsync(
        Guid account,
        string prompt,
        int place,
        CancellationToken cancellationToken
    ) =>
        await idempotency.FindAsync(account, KeyOf(prompt, place), cancellationToken) is { } record
        && await jobs.FindAsync(record.JobId, account, cancellationToken) is { } row
        && ComfyNote.Read(row.Metadata) is { } note
            ? (row, note)
            : null;

    private Task<bool> MarkAsync(Guid account, string prompt, string name, string text, CancellationToken cancellationToken) =>
        memory.KeepAsync(
            MarkOf(account, prompt),
            new Dictionary<string, byte[]> { [name] = FaceMemory.Bytes(text) },
            table.Remembered,
            cancellationToken
        );

    private static string KeyOf(string prompt, int place) => $"comfyui-{HashOf(prompt)}#{place}";

    private static string KeyOf(Guid account, string prompt) => $"comfyui:graph:{account:N}:{HashOf(prompt)}";

    private static string MarkOf(Guid account, string prompt) => $"comfyui:mark:{account:N}:{HashOf(prompt)}";

    private static string HashOf(string prompt) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(prompt)));
}
